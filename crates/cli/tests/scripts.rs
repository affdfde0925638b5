//! Scripts through the shell, compared byte by byte with what the `sqlite3` shell answers on the newest engine.
//!
//! A file `scripts/TOPIC.case` holds cases. A case begins with `== name`; a line `$ command` runs a command of the system's shell in an
//! empty directory (with copies of the files of `scripts/fixtures` that the case names), the lines below are its input; without such a line the command is
//! `sqlite3 :memory:`. `sqlite3` stands for the program under test. `TOPIC.expected` holds what the `sqlite3` shell answers: exit code,
//! lines of standard output (`|`, or `:` where no line end follows) and of standard error (`!`, `;`).
//!
//! A case that answers otherwise on purpose has a line `differs: reason`; what our shell answers is in `TOPIC.ours`.
//!
//! To record anew: `cargo xtask record-shell PROGRAM` (a `sqlite3` shell on the newest engine, compiled with `SQLITE_ENABLE_STAT4`;
//! libraries through the environment).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

struct Case {
    name: String,
    differs: bool,
    /// Commands with their inputs.
    steps: Vec<(String, String)>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts")
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.to_owned(), differs: false, steps: Vec::new() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if line.starts_with("differs: ") && case.steps.is_empty() {
            case.differs = true;
        } else if let Some(command) = line.strip_prefix("$ ") {
            case.steps.push((command.to_owned(), String::new()));
        } else {
            if case.steps.is_empty() {
                case.steps.push(("sqlite3 :memory:".into(), String::new()));
            }
            let input = &mut case.steps.last_mut().unwrap().1;
            input.push_str(line);
            input.push('\n');
        }
    }
    cases
}

/// Run a case; its answers in the form of the recorded files.
fn answers(program: &Path, case: &Case) -> String {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let [home, bin, work, temporary] = ["home", "bin", "work", "tmp"].map(|name| root.join(name));
    for folder in [&home, &bin, &work, &temporary] {
        fs::create_dir(folder).unwrap();
    }
    std::os::unix::fs::symlink(program, bin.join("sqlite3")).unwrap();
    // No test opens a browser or a spreadsheet.
    let opener = bin.join("xdg-open");
    fs::write(&opener, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&opener, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(self::folder().join("fixtures")).unwrap().flatten() {
        let name = entry.file_name();
        let named = |text: &str| text.contains(&*name.to_string_lossy());
        if case.steps.iter().any(|(command, input)| named(command) || named(input)) {
            fs::copy(entry.path(), work.join(name)).unwrap();
        }
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut text = String::new();
    for (command, input) in &case.steps {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .current_dir(&work)
            .env("PATH", &path)
            .env("HOME", &home)
            .env("TMPDIR", &temporary)
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A shell that ends early closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().map_or("signal".to_owned(), |code| code.to_string());
        writeln!(text, "$ {code}").unwrap();
        let root = root.to_string_lossy().into_owned();
        lines(&output.stdout, &root, ['|', ':'], &mut text);
        lines(&output.stderr, &root, ['!', ';'], &mut text);
    }
    text
}

/// Lines with a mark before each; what is not printable as `\xNN`.
fn lines(bytes: &[u8], root: &str, [mark, last]: [char; 2], out: &mut String) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| *b == b'\n');
        let line = &rest[..end.unwrap_or(rest.len())];
        out.push(if end.is_some() { mark } else { last });
        for chunk in line.utf8_chunks() {
            for c in chunk.valid().replace(root, "ROOT").chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    c if c.is_control() => write!(out, "\\x{:02x}", c as u32).unwrap(),
                    c => out.push(c),
                }
            }
            for byte in chunk.invalid() {
                write!(out, "\\x{byte:02x}").unwrap();
            }
        }
        out.push('\n');
        rest = end.map_or(&[][..], |end| &rest[end + 1..]);
    }
}

fn recorded(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        match line.strip_prefix("== ") {
            Some(next) => {
                name = next.to_owned();
                found.insert(name.clone(), String::new());
            }
            None => found.entry(name.clone()).or_default().push_str(&format!("{line}\n")),
        }
    }
    found
}

/// The answers of all cases, in their order.
fn run_all(program: &Path, cases: &[&Case]) -> Vec<String> {
    let results = Mutex::new(vec![String::new(); cases.len()]);
    let next = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(case) = cases.get(at) else { return };
                    let text = answers(program, case);
                    results.lock().unwrap()[at] = text;
                }
            });
        }
    });
    results.into_inner().unwrap()
}

fn write(path: &Path, cases: &[&Case], answers: &[String]) {
    let text: String = cases.iter().zip(answers).map(|(case, text)| format!("== {}\n{text}", case.name)).collect();
    fs::write(path, text).unwrap();
}

fn check(topic: &str) {
    let path = folder().join(format!("{topic}.case"));
    let cases = cases(&fs::read_to_string(&path).unwrap());
    let all: Vec<&Case> = cases.iter().collect();
    let mut names: Vec<&str> = cases.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    let unique = names.len();
    names.dedup();
    assert_eq!(names.len(), unique, "{topic}: two cases have the same name");
    if let Some(reference) = std::env::var_os("RECORD_SHELL") {
        write(&path.with_extension("expected"), &all, &run_all(Path::new(&reference), &all));
        return;
    }
    let ours = run_all(Path::new(env!("CARGO_BIN_EXE_tursodb")), &all);
    if std::env::var_os("RECORD_SHELL_OURS").is_some() {
        let differing: Vec<usize> = (0..all.len()).filter(|i| all[*i].differs).collect();
        let (some, texts): (Vec<&Case>, Vec<String>) = differing.iter().map(|i| (all[*i], ours[*i].clone())).unzip();
        let file = path.with_extension("ours");
        if !some.is_empty() {
            write(&file, &some, &texts);
        } else if file.exists() {
            fs::remove_file(file).unwrap();
        }
    }
    let expected = recorded(&fs::read_to_string(path.with_extension("expected")).unwrap());
    let own = recorded(&fs::read_to_string(path.with_extension("ours")).unwrap_or_default());
    let left_over = |records: &BTreeMap<String, String>, wanted: &dyn Fn(&Case) -> bool| -> Vec<String> {
        let records = records.keys().filter(|name| !all.iter().any(|case| case.name == **name && wanted(case)));
        records.cloned().collect()
    };
    assert_eq!(left_over(&expected, &|_| true), [""; 0], "{topic}: recorded answers of no case");
    assert_eq!(left_over(&own, &|case| case.differs), [""; 0], "{topic}: own answers of no case that differs");
    let mut report = String::new();
    let mut wrong = 0;
    for (case, text) in all.iter().zip(&ours) {
        let theirs = expected.get(&case.name).unwrap_or_else(|| panic!("{topic}: {} is not recorded", case.name));
        let wanted = if case.differs { own.get(&case.name).map_or("", String::as_str) } else { theirs };
        if case.differs && text == theirs {
            wrong += 1;
            writeln!(report, "== {}\nis as by sqlite3: it does not differ", case.name).unwrap();
        } else if text != wanted {
            wrong += 1;
            writeln!(report, "== {}\n-- expected\n{wanted}-- ours\n{text}", case.name).unwrap();
        }
    }
    assert!(wrong == 0, "{topic}: {wrong} of {} cases\n{report}", all.len());
}

macro_rules! topics {
    ($($topic:ident)*) => {
        $(#[test]
        fn $topic() {
            check(stringify!($topic));
        })*

        #[test]
        fn every_file_of_cases_is_run() {
            let topics = [$(stringify!($topic)),*];
            for entry in fs::read_dir(folder()).unwrap().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|e| e == "case") {
                    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                    assert!(topics.contains(&stem.as_str()), "{stem} is in no list");
                }
            }
        }
    };
}
topics! {
    modes flags errors settings files schema dump import parameters archive hash functions tables other commands
    sql_errors sql_modes sql_select sql_functions sql_change sql_schema
}
