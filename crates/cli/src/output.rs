//! Where output goes: standard output, a file, or a program.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::{Child, Command, Stdio};

/// A place that takes output.
pub enum Output {
    Standard(BufWriter<io::Stdout>),
    /// Standard error, unbuffered.
    Error,
    /// Nothing is kept.
    Off,
    File(String, BufWriter<File>),
    Pipe(String, Child),
}

impl Output {
    /// Standard output.
    pub fn standard() -> Self {
        Output::Standard(BufWriter::with_capacity(1 << 16, io::stdout()))
    }

    /// The place that `.output` names: `stdout`, `stderr`, `off`, `|command`, or a file.
    pub fn open(name: &str) -> Result<Self, String> {
        match name {
            "" | "stdout" => Ok(Self::standard()),
            "stderr" => Ok(Output::Error),
            "off" => Ok(Output::Off),
            _ => match name.strip_prefix('|') {
                Some(command) => shell_command(command)
                    .stdin(Stdio::piped())
                    .spawn()
                    .map(|child| Output::Pipe(name.to_owned(), child))
                    .map_err(|_| format!("Error: cannot open pipe \"{command}\"")),
                None => File::create(name)
                    .map(|file| Output::File(name.to_owned(), BufWriter::with_capacity(1 << 16, file)))
                    .map_err(|_| format!("Error: cannot open \"{name}\"")),
            },
        }
    }

    /// The name as `.show` prints it.
    pub fn name(&self) -> &str {
        match self {
            Output::Standard(_) => "stdout",
            Output::Error => "stderr",
            Output::Off => "off",
            Output::File(name, _) | Output::Pipe(name, _) => name,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Standard(out) => out.write(bytes),
            Output::Error => io::stderr().write(bytes),
            Output::Off => Ok(bytes.len()),
            Output::File(_, file) => file.write(bytes),
            Output::Pipe(_, child) => match &mut child.stdin {
                Some(pipe) => pipe.write(bytes),
                None => Ok(bytes.len()),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Standard(out) => out.flush(),
            Output::File(_, file) => file.flush(),
            Output::Pipe(_, child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
            Output::Error | Output::Off => Ok(()),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // The end of its input ends the program; what it still prints comes before what we print next.
        if let Output::Pipe(_, child) = self {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

/// A command of the system's shell.
pub fn shell_command(text: &str) -> Command {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.arg(flag).arg(text);
    command
}
