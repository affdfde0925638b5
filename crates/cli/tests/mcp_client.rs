//! The protocol's own client library, in Python, drives `tursodb --mcp`: `crates/mcp/tests/client/drive.py`.

use std::path::Path;
use std::process::Command;

/// With a Python that has the package `mcp` (`TURSO_TEST_PYTHON` names one); skipped where there is none.
#[test]
fn the_clients_library_drives_every_tool_in_both_eras() {
    let python = std::env::var("TURSO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp/tests/client/drive.py");
    let output = match Command::new(&python).arg(script).arg(env!("CARGO_BIN_EXE_tursodb")).output() {
        Ok(output) => output,
        Err(error) => return eprintln!("SKIPPED: {python}: {error}"),
    };
    let [said, failed] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    match output.status.code() {
        Some(77) => eprintln!("{said}"),
        code => assert!(code == Some(0) && said.ends_with("ok\n"), "{code:?}\n{said}{failed}"),
    }
}
