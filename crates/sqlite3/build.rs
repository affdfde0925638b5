//! Compiles the functions with variable arguments and names the shared library as programs look for it.

fn main() {
    println!("cargo:rerun-if-changed=shim/variadic.c");
    cc::Build::new().file("shim/variadic.c").flag_if_supported("-fvisibility=hidden").compile("sqlite3_variadic");
    let target_os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target_os == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsqlite3.so.0");
    }
}
