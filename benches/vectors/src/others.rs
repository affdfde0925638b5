//! The contestants in Python, one run at a time.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `others.py`.
pub struct Others {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What can be measured.
    pub names: Vec<String>,
}

impl Others {
    /// Starts it; what it skips is told.
    pub fn start(python: &str, data: &Path, wanted: &Path, dims: usize) -> io::Result<Self> {
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("others.py"))
            .args([data, wanted])
            .arg(dims.to_string())
            .env("OMP_NUM_THREADS", "1")
            .env("OPENBLAS_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let gone = || io::Error::other("others.py has no pipes");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        let mut others = Self { child, input, output, names: Vec::new() };
        loop {
            let line = others.line()?;
            match line.strip_prefix("skipped: ") {
                Some(what) => println!("(skipped: {what})"),
                None if line.is_empty() => return Ok(others),
                None => others.names.push(line),
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("others.py has ended"));
        }
        Ok(line.trim_end().to_string())
    }

    /// Runs one of them; milliseconds.
    pub fn run(&mut self, name: usize) -> io::Result<f64> {
        let name = self.names.get(name).cloned().unwrap_or_default();
        if let Some(input) = &mut self.input {
            writeln!(input, "{name}")?;
            input.flush()?;
        }
        self.line()?.parse().map_err(io::Error::other)
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        // (The end of its input is its end.)
        self.input = None;
        let _ = self.child.wait();
    }
}
