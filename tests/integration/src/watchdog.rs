//! Child processes with a time limit: the only way to notice a hang, and to outlive an abort.

use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Exit(ExitStatus),
    /// It was killed at its time limit.
    TimedOut,
}

/// Wait for a child, and kill it at the limit.
pub fn wait(child: &mut Child, limit: Duration) -> std::io::Result<End> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exit(status));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(End::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A command that runs one ignored test of the present test binary, with `name=value` in its environment. A name that no test has
/// is an error: its run would end well, with nothing tested.
pub fn this_test(test: &str, variables: &[(&str, String)]) -> std::io::Result<Command> {
    static LISTED: OnceLock<std::io::Result<String>> = OnceLock::new();
    let list = || {
        let program = std::env::current_exe()?;
        let output = Command::new(program).args(["--list", "--ignored", "--format", "terse"]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    match LISTED.get_or_init(list) {
        Ok(listed) if listed.lines().any(|line| line.strip_suffix(": test") == Some(test)) => {}
        Ok(listed) => return Err(std::io::Error::other(format!("no ignored test is called {test}, only\n{listed}"))),
        Err(error) => return Err(std::io::Error::new(error.kind(), error.to_string())),
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args([test, "--exact", "--nocapture", "--ignored", "--test-threads=1"]);
    for (name, value) in variables {
        command.env(name, value);
    }
    Ok(command)
}

/// Peak resident memory of this process in bytes, where the system tells it.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Has the peak counted anew from what is resident now, where the system can.
pub fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(test)]
mod tests {
    use super::this_test;

    #[test]
    fn a_name_that_no_test_has_is_an_error() {
        assert!(this_test("nothing_is_called_so", &[]).is_err());
    }
}
