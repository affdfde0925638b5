//! Words, switches and numbers of dot commands.

/// The words of a line. Quotes keep blanks together; between double quotes a backslash is an escape.
pub fn split(line: &str) -> Vec<String> {
    let bytes = line.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let Some(&first) = bytes.get(at) else { return words };
        let mut word = Vec::new();
        if first == b'\'' || first == b'"' {
            at += 1;
            while let Some(&byte) = bytes.get(at) {
                at += 1;
                if byte == first {
                    break;
                }
                if byte == b'\\' && first == b'"' {
                    // An escaped quote does not end the word.
                    word.push(byte);
                    if let Some(&next) = bytes.get(at) {
                        word.push(next);
                        at += 1;
                    }
                } else {
                    word.push(byte);
                }
            }
            if first == b'"' {
                word = unescape(&word);
            }
        } else {
            while let Some(&byte) = bytes.get(at).filter(|b| !b.is_ascii_whitespace()) {
                word.push(byte);
                at += 1;
            }
            word = unescape(&word);
        }
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
}

/// Resolve `\n`, `\t`, `\ooo` and their like.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let Some(&next) = text.get(at).filter(|_| byte == b'\\') else {
            out.push(byte);
            continue;
        };
        at += 1;
        out.push(match next {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'0'..=b'7' => {
                let mut code = u32::from(next - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = text.get(at) else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    at += 1;
                }
                (code & 0xff) as u8
            }
            other => other,
        });
    }
    out
}

/// A switch. What is no switch counts as off, with a complaint.
pub fn boolean(word: &str) -> bool {
    if let Some(number) = integer_only(word) {
        return number != 0;
    }
    match word.to_ascii_lowercase().as_str() {
        "on" | "yes" => true,
        "off" | "no" => false,
        _ => {
            eprintln!("ERROR: Not a boolean value: \"{word}\". Assuming \"no\".");
            false
        }
    }
}

pub fn integer_only(word: &str) -> Option<i64> {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    match digits {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => (!word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())).then(|| integer(word)),
    }
}

/// A number with an optional sign, `0x` prefix, and suffix (`KB`, `MiB`, …); as far as it goes.
pub fn integer(word: &str) -> i64 {
    let (negative, rest) = match word.as_bytes().first() {
        Some(b'-') => (true, &word[1..]),
        Some(b'+') => (false, &word[1..]),
        _ => (false, word),
    };
    let mut value: i64 = 0;
    let suffix = if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let end = hex.bytes().position(|b| !b.is_ascii_hexdigit()).unwrap_or(hex.len());
        for b in hex.bytes().take(end) {
            value = value.wrapping_mul(16).wrapping_add(i64::from((b as char).to_digit(16).unwrap_or(0)));
        }
        &hex[end..]
    } else {
        let end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        for b in rest.bytes().take(end) {
            value = value.wrapping_mul(10).wrapping_add(i64::from(b - b'0'));
        }
        &rest[end..]
    };
    const UNITS: [(&str, i64); 9] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("K", 1000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
    ];
    if let Some((_, factor)) = UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(suffix)) {
        value = value.wrapping_mul(*factor);
    }
    if negative { value.wrapping_neg() } else { value }
}

/// Is the word the option `name`, with one dash or two?
pub fn is_option(word: &str, name: &str) -> bool {
    word.strip_prefix('-').is_some_and(|w| w.strip_prefix('-').unwrap_or(w) == name)
}

/// A text as C would write it between double quotes.
pub fn c_string(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'"' => out.push_str("\\\""),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b' '..=b'~' => out.push(byte as char),
            other => out.push_str(&format!("\\{other:03o}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{integer, split};

    #[test]
    fn words_are_split_at_blanks_outside_of_quotes() {
        assert_eq!(split("mode  box --wrap 20 "), ["mode", "box", "--wrap", "20"]);
        assert_eq!(split(r#"print "a b\t\"c\"" 'd\te' x\ty"#), ["print", "a b\t\"c\"", r"d\te", "x\ty"]);
        assert_eq!(split("print '' \"\""), ["print", "", ""]);
    }

    #[test]
    fn numbers_have_suffixes() {
        for (text, number) in [("12", 12), ("-3", -3), ("0x10", 16), ("2KiB", 2048), ("1mb", 1_000_000), ("x", 0)] {
            assert_eq!(integer(text), number, "{text}");
        }
    }
}
