//! Functions that other systems ship as extensions: always there, no loading.
//!
//! They are in no build of SQLite, so their names are free there. Only `regexp` is not among the built-in functions: the
//! operator REGEXP belongs to the application, as in SQLite, until a face hands it [`regexp::OPERATOR`].
//!
//! | module   | functions                                   | needs (feature)                   |
//! |----------|---------------------------------------------|-----------------------------------|
//! | `crypto` | `crypto_md5` ... `crypto_blake3`            | the hash crates (`crypto`)        |
//! | `codec`  | `crypto_encode`, `crypto_decode`            |                                   |
//! | `fuzzy`  | distances and sounds of words               | `strsim`, `any_ascii` (`fuzzy`)   |
//! | `ipaddr` | addresses and networks                      |                                   |
//! | `regexp` | regular expressions                         | `regex` (`regexp`)                |
//! | `time`   | moments with nanoseconds                    |                                   |
//! | `uuid`   | identifiers                                 | `uuid` (`uuid`)                   |

pub mod codec;
#[cfg(feature = "crypto")]
pub mod crypto;
#[cfg(feature = "fuzzy")]
pub mod fuzzy;
pub mod ipaddr;
#[cfg(feature = "regexp")]
pub mod regexp;
pub mod time;
#[cfg(feature = "uuid")]
pub mod uuid;

use turso_value::Value;

/// The bytes of an argument, numbers as their text; `None` for NULL.
fn bytes_of<'a>(arg: &'a Value, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    if arg.is_null() { None } else { Some(arg.text_in(scratch)) }
}

#[cfg(test)]
mod support {
    use crate::{Context, DefaultEnvironment, Lookup, lookup};
    use turso_value::Value;

    /// Calls a built-in function; an error is its text.
    pub fn call(name: &str, args: &[Value]) -> Value {
        let Lookup::Found(function) = lookup(name.as_bytes(), args.len()) else { panic!("no {name}") };
        let mut result = Value::text("left over");
        let outcome = function.call(&mut Context::new(&mut result, &DefaultEnvironment), args);
        outcome.map_or_else(|e| Value::text(e.message()), |()| result)
    }

    /// Calls a built-in function and compares.
    pub fn check(name: &str, args: &[Value], expected: impl Into<Value>) {
        assert_eq!(call(name, args), expected.into(), "{name}{args:?}");
    }

    /// Text as an argument.
    pub fn t(text: &str) -> Value {
        Value::from(text)
    }
}
