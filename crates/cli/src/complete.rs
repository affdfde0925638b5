//! Does a text end with a complete statement? (`sqlite3_complete` in the documentation: a semicolon outside of strings,
//! comments and the body of a CREATE TRIGGER.)

/// Where the tokens so far have led.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nothing but blanks since the last complete statement.
    Start,
    /// Inside an ordinary statement.
    Normal,
    /// `EXPLAIN` was the first word.
    Explain,
    /// `CREATE`, perhaps followed by TEMP.
    Create,
    /// Inside CREATE TRIGGER.
    Trigger,
    /// A semicolon inside CREATE TRIGGER.
    TriggerSemicolon,
    /// `; END` inside CREATE TRIGGER.
    TriggerEnd,
}

/// True when every statement is complete, and there is at least one semicolon.
pub fn is_complete(bytes: &[u8]) -> bool {
    let mut state = State::Start;
    let mut seen = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        match byte {
            b';' => {
                seen = true;
                state = match state {
                    State::Trigger => State::TriggerSemicolon,
                    State::TriggerSemicolon => State::TriggerSemicolon,
                    _ => State::Start,
                };
                at += 1;
            }
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => at += 1,
            b'/' if rest.starts_with(b"/*") => match find(&rest[2..], b"*/") {
                Some(length) => at += length + 4,
                None => return false,
            },
            b'-' if rest.starts_with(b"--") => match find(rest, b"\n") {
                Some(length) => at += length + 1,
                None => return seen && state == State::Start,
            },
            b'[' => match find(rest, b"]") {
                Some(length) => {
                    at += length + 1;
                    state = other(state);
                }
                None => return false,
            },
            b'\'' | b'"' | b'`' => match find(&rest[1..], &[byte]) {
                Some(length) => {
                    at += length + 2;
                    state = other(state);
                }
                None => return false,
            },
            _ if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => {
                let length =
                    rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b >= 0x80).count();
                state = word(state, &rest[..length]);
                at += length;
            }
            _ => {
                state = other(state);
                at += 1;
            }
        }
    }
    seen && state == State::Start
}

/// Does the last line end with a comment that begins with two dashes?
pub fn ends_in_comment(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let length = match byte {
            b'\'' | b'"' | b'`' => find(&rest[1..], &[byte]).map(|i| i + 2),
            b'[' => find(rest, b"]").map(|i| i + 1),
            b'/' if rest.starts_with(b"/*") => find(&rest[2..], b"*/").map(|i| i + 4),
            b'-' if rest.starts_with(b"--") => match find(rest, b"\n") {
                Some(i) => Some(i + 1),
                None => return true,
            },
            _ => Some(1),
        };
        let Some(length) = length else { return false };
        at += length;
    }
    false
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

fn other(state: State) -> State {
    match state {
        State::Trigger | State::TriggerSemicolon | State::TriggerEnd => State::Trigger,
        _ => State::Normal,
    }
}

fn word(state: State, text: &[u8]) -> State {
    let is = |w: &str| text.eq_ignore_ascii_case(w.as_bytes());
    match state {
        State::Start if is("explain") => State::Explain,
        State::Start | State::Explain if is("create") => State::Create,
        State::Explain if is("query") || is("plan") => State::Explain,
        State::Create if is("temp") || is("temporary") => State::Create,
        State::Create if is("trigger") => State::Trigger,
        State::TriggerSemicolon if is("end") => State::TriggerEnd,
        _ => other(state),
    }
}

#[cfg(test)]
mod tests {
    use super::is_complete;

    #[test]
    fn a_semicolon_outside_of_quotes_ends_a_statement() {
        for (text, complete) in [
            ("select 1;", true),
            ("select 1", false),
            ("select ';", false),
            ("select ';';", true),
            ("select 1; -- more", true),
            ("select 1; /* open", false),
            ("select [a;b];", true),
            ("", false),
            (";", true),
            ("create trigger t after insert on x begin select 1;", false),
            ("create trigger t after insert on x begin select 1; end;", true),
            ("create temp trigger t after insert on x begin select case when 1 then 2 end; end;", true),
        ] {
            assert_eq!(is_complete(text.as_bytes()), complete, "{text}");
        }
    }
}
