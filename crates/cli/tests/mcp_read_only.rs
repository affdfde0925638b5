//! The attempts of `crates/mcp/tests/read_only.rs` through the protocol: `tursodb x.db --mcp --readonly` over its standard input
//! and output. `MCP_STDIO_ATTEMPTS=N` makes more of them than the ordinary run.

#[path = "../../mcp/tests/support/attempts.rs"]
mod attempts;

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use attempts::{BATCH, Random, attempt, snapshot};
use serde_json::{Value as Json, json};

/// Attempts in the ordinary run.
const ATTEMPTS: u64 = 300;

struct Client {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    number: u64,
}

impl Client {
    fn request(&mut self, method: &str, params: Json) -> Json {
        self.number += 1;
        let message = json!({ "jsonrpc": "2.0", "id": self.number, "method": method, "params": params });
        writeln!(self.input, "{message}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server has gone");
            let answer: Json = serde_json::from_str(&line).unwrap();
            if answer["id"] == self.number {
                return answer;
            }
        }
    }
}

#[test]
fn no_attempt_over_the_protocol_gets_around_read_only() {
    let attempts = std::env::var("MCP_STDIO_ATTEMPTS").ok().and_then(|n| n.parse().ok()).unwrap_or(ATTEMPTS);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let program = env!("CARGO_BIN_EXE_tursodb");
    let script = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b); CREATE VIEW v AS SELECT a FROM t;
        INSERT INTO t VALUES (1, 'one'), (2, 'two')";
    assert!(Command::new(program).arg(&path).arg(script).status().unwrap().success());

    let mut server = Command::new(program)
        .arg(&path)
        .args(["--mcp", "--readonly"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(server.stdout.take().unwrap());
    let mut client = Client { input: server.stdin.take().unwrap(), output, number: 0 };
    let about =
        json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    assert!(client.request("initialize", about)["result"]["serverInfo"]["name"].is_string());
    writeln!(client.input, "{}", json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).unwrap();

    let before = snapshot(directory.path());
    let mut random = Random(2);
    for number in 1..=attempts {
        let (tool, arguments) = attempt(&mut random, directory.path());
        let answer = client.request("tools/call", json!({ "name": tool, "arguments": arguments }));
        assert!(answer["result"].is_object() || answer["error"].is_object(), "{answer}");
        if number % BATCH == 0 || number == attempts {
            let now = snapshot(directory.path());
            assert!(now.keys().eq(before.keys()) && now["x.db"] == before["x.db"], "{:?}", now.keys());
        }
    }
    drop(client);
    assert!(server.wait().unwrap().success());
    let rows = Command::new(program).arg(&path).arg("SELECT group_concat(b) FROM t").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&rows.stdout), "one,two\n");
}
