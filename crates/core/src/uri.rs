//! URI file names (`uri.html`): `file:path?mode=ro&cache=shared&immutable=1`.
//!
//! A name that does not begin with `file:` is a path as it is. Unknown parameters are ignored, as in SQLite; so is `psow`:
//! whether a torn write can damage what lies beside it is the file's to say (`io::File::is_powersafe`).

use turso_error::{Error, Result, ResultCode};

use crate::options::{FilePromises, OpenOptions};

/// What a name asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    pub path: String,
    /// `mode=memory`.
    pub memory: bool,
    /// `cache=shared` or `cache=private`: with the former a database in memory is that of all who use the name.
    pub shared: Option<bool>,
    pub promises: FilePromises,
    /// `modeof=other`: a new file gets that one's permissions.
    pub model: Option<String>,
    /// All parameters, as a back end is told of them.
    pub parameters: Vec<(String, String)>,
}

/// Takes a name apart; a mode in it restricts the options.
pub(crate) fn parse(name: &str, options: &mut OpenOptions) -> Result<FileName> {
    let plain = |path: &str| FileName {
        path: path.into(),
        memory: false,
        shared: None,
        promises: FilePromises::default(),
        model: None,
        parameters: Vec::new(),
    };
    let Some(rest) = name.strip_prefix("file:").filter(|_| options.uri) else { return Ok(plain(name)) };
    let rest = rest.split('#').next().unwrap_or("");
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match path.strip_prefix("//") {
        None => path,
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if !authority.is_empty() && authority != "localhost" {
                return Err(Error::sql(format!("invalid uri authority: {authority}")));
            }
            path
        }
    };
    let mut file = plain(&decoded(path));
    for parameter in query.split('&') {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let (key, value) = (decoded(key), decoded(value));
        if !key.is_empty() {
            file.parameters.push((key.clone(), value.clone()));
        }
        match key.as_str() {
            "mode" => set_mode(&value, &mut file, options)?,
            "cache" => match value.as_str() {
                "shared" => file.shared = Some(true),
                "private" => file.shared = Some(false),
                _ => return Err(Error::sql(format!("no such cache mode: {value}"))),
            },
            "immutable" => file.promises.immutable = is_on(&value),
            "modeof" => file.model = Some(value),
            "nolock" => file.promises.no_lock = is_on(&value),
            "readonly_shm" => file.promises.read_only_shm = is_on(&value),
            _ => {}
        }
    }
    Ok(file)
}

fn set_mode(mode: &str, file: &mut FileName, options: &mut OpenOptions) -> Result<()> {
    let (read_only, create) = match mode {
        "ro" => (true, false),
        "rw" => (false, false),
        "rwc" => (false, true),
        "memory" => {
            file.memory = true;
            return Ok(());
        }
        _ => return Err(Error::sql(format!("no such access mode: {mode}"))),
    };
    // A name cannot give what the caller has not.
    if (options.read_only && !read_only) || (create && !options.create) {
        return Err(Error::new(ResultCode::PERM, format!("access mode not allowed: {mode}")));
    }
    (options.read_only, options.create) = (read_only, create);
    Ok(())
}

fn is_on(value: &str) -> bool {
    match value.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => true,
        number => number.parse::<i64>().is_ok_and(|n| n != 0),
    }
}

/// Resolves `%HH`; what follows a NUL does not count.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|h| byte == b'%' && h.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                at += 3;
                byte
            }
            None => {
                at += 1;
                byte
            }
        };
        if byte == 0 {
            break;
        }
        out.push(byte);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> String {
        parse(name, &mut OpenOptions::default()).unwrap().path
    }

    #[test]
    fn paths_are_taken_out_of_names() {
        assert_eq!(path("plain?mode=ro#x"), "plain?mode=ro#x");
        assert_eq!(path("file:data.db"), "data.db");
        assert_eq!(path("file:/home/a%20b.db?x=y#z"), "/home/a b.db");
        assert_eq!(path("file:///home/a.db"), "/home/a.db");
        assert_eq!(path("file://localhost/home/a.db?mode=rwc"), "/home/a.db");
        assert_eq!(path("file:a%3fb%23c%00d"), "a?b#c");
        assert_eq!(path("file:a%zz"), "a%zz");
    }

    #[test]
    fn what_cannot_be_is_refused_as_sqlite_refuses_it() {
        let error =
            |name: &str, options: OpenOptions| parse(name, &mut options.clone()).unwrap_err().message().to_string();
        let all = OpenOptions::default;
        assert_eq!(error("file://other/x", all()), "invalid uri authority: other");
        assert_eq!(error("file:x?mode=rx", all()), "no such access mode: rx");
        assert_eq!(error("file:x?cache=big", all()), "no such cache mode: big");
        let reader = OpenOptions { read_only: true, ..all() };
        assert_eq!(error("file:x?mode=rw", reader), "access mode not allowed: rw");
    }
}
