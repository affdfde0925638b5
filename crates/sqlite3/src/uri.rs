//! `file:` URIs: the path and its parameters (SQLite documentation, "Uniform Resource Identifiers").

use turso_core::{Error, Result};

/// A file name taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The path.
    pub path: Vec<u8>,
    /// Parameters in their order.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Location {
    /// The last value of a parameter.
    pub fn parameter(&self, key: &[u8]) -> Option<&[u8]> {
        self.parameters.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_slice())
    }
}

/// Takes a name apart that may be a URI.
pub fn parse(name: &[u8]) -> Result<Location> {
    let Some(rest) = name.strip_prefix(b"file:") else {
        return Ok(Location { path: name.to_vec(), parameters: Vec::new() });
    };
    let rest = match rest.strip_prefix(b"//") {
        Some(rest) => {
            let end = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if !authority.is_empty() && authority != b"localhost" {
                let authority = String::from_utf8_lossy(authority);
                return Err(Error::sql(format!("invalid uri authority: {authority}")));
            }
            path
        }
        None => rest,
    };
    let rest = rest.split(|&b| b == b'#').next().unwrap_or_default();
    let (path, query) = match rest.iter().position(|&b| b == b'?') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &rest[..0]),
    };
    let parameters = query.split(|&b| b == b'&').filter_map(|pair| {
        let at = pair.iter().position(|&b| b == b'=').unwrap_or(pair.len());
        let key = unescape(&pair[..at]);
        (!key.is_empty()).then(|| (key, unescape(pair.get(at + 1..).unwrap_or_default())))
    });
    Ok(Location { path: unescape(path), parameters: parameters.collect() })
}

/// `%XX` becomes a byte; what follows a NUL is dropped.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digit = |i: usize| text.get(i).and_then(|&b| char::from(b).to_digit(16)).map(|d| d as u8);
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                at += 3;
                match high << 4 | low {
                    0 => return out,
                    byte => out.push(byte),
                }
            }
            _ => {
                at += 1;
                out.push(byte);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, path: &str, parameters: &[(&str, &str)]) {
        let location = parse(name.as_bytes()).unwrap();
        assert_eq!(location.path, path.as_bytes(), "{name}");
        let expected: Vec<_> = parameters.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
        assert_eq!(location.parameters, expected, "{name}");
    }

    #[test]
    fn names_and_uris() {
        check("plain?x=1", "plain?x=1", &[]);
        check("file:data.db", "data.db", &[]);
        check("file:/home/x/data.db", "/home/x/data.db", &[]);
        check("file:///home/x/data.db", "/home/x/data.db", &[]);
        check("file://localhost/home/x", "/home/x", &[]);
        check("file:a%20b?mode=ro&cache=private#frag", "a b", &[("mode", "ro"), ("cache", "private")]);
        check("file:a?x&y=&=z", "a", &[("x", ""), ("y", "")]);
        check("file:a%00b?k=v%00w", "a", &[("k", "v")]);
        assert_eq!(parse(b"file://host/x").unwrap_err().message(), "invalid uri authority: host");
    }
}
