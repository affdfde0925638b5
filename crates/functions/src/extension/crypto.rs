//! Digests: the bytes of a text or blob in, a blob out. NULL gives NULL.

use super::bytes_of;
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use sha2::Digest;
use turso_error::Result;
use turso_value::Value;

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("crypto_md5", Arity::exactly(1), F::PURE, digest::<md5::Md5>),
    FunctionDef::scalar("crypto_sha1", Arity::exactly(1), F::PURE, digest::<sha1::Sha1>),
    FunctionDef::scalar("crypto_sha256", Arity::exactly(1), F::PURE, digest::<sha2::Sha256>),
    FunctionDef::scalar("crypto_sha384", Arity::exactly(1), F::PURE, digest::<sha2::Sha384>),
    FunctionDef::scalar("crypto_sha512", Arity::exactly(1), F::PURE, digest::<sha2::Sha512>),
    FunctionDef::scalar("crypto_blake3", Arity::exactly(1), F::PURE, blake3),
];

fn digest<D: Digest>(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    match bytes_of(&args[0], &mut scratch) {
        Some(bytes) => ctx.blob(&D::digest(bytes)),
        None => ctx.null(),
    }
}

fn blake3(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    match bytes_of(&args[0], &mut scratch) {
        Some(bytes) => ctx.blob(blake3::hash(bytes).as_bytes()),
        None => ctx.null(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{call, check, t};
    use turso_value::Value;

    /// The published digests of "abc".
    #[test]
    fn known_digests() {
        for (name, expected) in [
            ("crypto_md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("crypto_sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("crypto_sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "crypto_sha384",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                "crypto_sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            ("crypto_blake3", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        ] {
            check("crypto_encode", &[call(name, &[t("abc")]), t("hex")], expected);
            check(name, &[Value::Null], Value::Null);
            assert_eq!(call(name, &[Value::Integer(5)]), call(name, &[Value::blob(*b"5")]), "{name}");
        }
    }
}
