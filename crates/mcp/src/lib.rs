//! A database as a Model Context Protocol server (`tursodb your.db --mcp`).
//!
//! | module | subject |
//! |---|---|
//! | `server` | the protocol: what `rmcp` asks, answered by the session |
//! | `tools` | the register of tools, one function each |
//! | `session` | the open database, its limits, running queries within them |
//! | `gate` | what statements may do, asked by the engine while it prepares them |
//! | `resources`, `prompts` | what clients may read and be told |
//! | `json` | values and parameters between JSON and SQL |
//!
//! Never here: SQL semantics. A statement's class is told by the parser, what it may do by the authorizer.
#![forbid(unsafe_code)]

mod gate;
mod json;
mod prompts;
mod resources;
mod server;
mod session;
mod tools;

pub use session::{Limits, Options, Session};
pub use tools::{Outcome, call};

/// Serve a database over standard input and output until the client goes away.
pub fn serve(options: Options) -> Result<(), String> {
    let session = Session::open(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let result = runtime.block_on(server::run(session));
    // A read of standard input that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    result
}
