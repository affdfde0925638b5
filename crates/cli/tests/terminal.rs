//! A person at a terminal: sessions in `tmux`, keys sent as typed, the screen as it is seen.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A terminal of 100 columns in which the shell runs.
struct Terminal {
    /// The server's socket: each session has a server of its own.
    socket: String,
    _home: tempfile::TempDir,
}

/// How long the screen may take to show something; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

impl Terminal {
    /// `None` where there is no `tmux`.
    fn open(name: &str, arguments: &[&str]) -> Option<Self> {
        if !Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
            eprintln!("SKIPPED: tmux is absent");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join(name).to_str().unwrap().to_owned();
        let terminal = Self { socket, _home: home };
        let directory = terminal._home.path().to_str().unwrap();
        let settings =
            [format!("HOME={directory}"), "NO_COLOR=1".into(), "TERM=screen".into(), "LC_ALL=C.UTF-8".into()];
        let mut words = vec!["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-c", directory, "env"];
        words.extend(settings.iter().map(String::as_str));
        words.push(env!("CARGO_BIN_EXE_tursodb"));
        words.extend(arguments);
        terminal.tmux(&words);
        terminal.wait_for("turso> ");
        Some(terminal)
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = Command::new("tmux").args(["-S", &self.socket]).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Type a text as it is.
    fn text(&self, text: &str) {
        // A semicolon at the end would end the command of tmux.
        let text = text.strip_suffix(';').map_or_else(|| text.to_owned(), |text| format!("{text}\\;"));
        self.tmux(&["send-keys", "-l", &text]);
    }

    /// Press a key: `Enter`, `Tab`, `C-c` …
    fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn line(&self, text: &str) {
        self.text(text);
        self.key("Enter");
    }

    /// What is on the screen, without the empty lines at the end.
    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    /// Wait until the screen is as `wanted` says; answers it.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "no {what} on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        self.until(text, |screen| screen.trim_end().ends_with(text.trim_end()) || screen.contains(&format!("{text}\n")))
    }

    /// Wait until the last line of the screen is this one.
    #[track_caller]
    fn wait_for_last(&self, line: &str) -> String {
        self.until(line, |screen| screen.lines().last().map(str::trim_end) == Some(line.trim_end()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).status();
    }
}

/// The lines of a screen behind the banner.
fn after_banner(screen: &str) -> Vec<&str> {
    screen.lines().map(str::trim_end).skip_while(|line| !line.starts_with("turso>")).collect()
}

#[test]
fn tab_completes_keywords_tables_columns_and_commands() {
    let Some(terminal) = Terminal::open("completion", &[]) else { return };
    terminal.line("CREATE TABLE customers(customer_name, city);");
    terminal.wait_for_last("turso>");
    terminal.text("SEL");
    terminal.key("Tab");
    terminal.wait_for_last("turso> SELECT");
    terminal.text(" customer_");
    terminal.key("Tab");
    terminal.wait_for_last("turso> SELECT customer_name");
    terminal.text(" FROM customers;");
    terminal.key("Enter");
    terminal.wait_for_last("turso>");
    terminal.text(".datab");
    terminal.key("Tab");
    terminal.wait_for_last("turso> .databases");
    terminal.key("Enter");
    let screen = terminal.until("the answer", |screen| screen.contains("main: "));
    assert!(after_banner(&screen).contains(&"main: \"\" r/w"), "{screen}");
}

#[test]
fn control_c_interrupts_a_statement_and_keeps_the_session() {
    let Some(terminal) = Terminal::open("interrupt", &[]) else { return };
    terminal.line("CREATE TEMP TABLE kept AS SELECT 42 AS answer;");
    terminal.wait_for_last("turso>");
    terminal.line("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;");
    // The sign of life says how to get out.
    terminal.until("progress", |screen| screen.contains("running  (Ctrl-C interrupts)"));
    terminal.key("C-c");
    let screen = terminal.until("the error", |screen| screen.contains("interrupted"));
    assert!(!screen.contains("(Ctrl-C interrupts)"), "the sign of life is taken away:\n{screen}");
    terminal.line("SELECT answer FROM kept;");
    let screen = terminal.until("the answer", |screen| screen.lines().any(|line| line.trim() == "42"));
    let lines = after_banner(&screen);
    assert!(lines.iter().any(|line| line.contains("interrupted (9)")), "{screen}");
}

#[test]
fn control_c_at_the_prompt_clears_the_line_and_ends_the_session_at_the_second_time() {
    let Some(terminal) = Terminal::open("clear", &[]) else { return };
    terminal.text("SELECT nonsense");
    terminal.wait_for_last("turso> SELECT nonsense");
    terminal.key("C-c");
    terminal.until("advice", |screen| screen.contains("Use .quit to exit or press Ctrl-C again to force quit."));
    terminal.line("SELECT 7 * 6;");
    terminal.until("the answer", |screen| screen.lines().any(|line| line.trim() == "42"));
    terminal.key("C-c");
    terminal.wait_for_last("turso>");
    terminal.key("C-c");
    let begun = Instant::now();
    while Command::new("tmux")
        .args(["-S", &terminal.socket, "has-session"])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
    {
        assert!(begun.elapsed() < PATIENCE, "the session goes on:\n{}", terminal.screen());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn errors_point_at_their_place() {
    let Some(terminal) = Terminal::open("errors", &[]) else { return };
    terminal.line("SELECT a, b FROM (SELECT 1 AS a);");
    terminal.until("the error", |screen| screen.contains("error here"));
    let screen = terminal.wait_for_last("turso>");
    let lines = after_banner(&screen);
    assert_eq!(
        lines[1..4],
        ["Parse error: no such column: b", "  SELECT a, b FROM (SELECT 1 AS a);", "            ^--- error here"],
        "{screen}"
    );
}

#[test]
fn a_statement_over_several_lines_counts_parentheses_and_comes_back_whole() {
    let Some(terminal) = Terminal::open("lines", &[]) else { return };
    terminal.line("SELECT (1 +");
    terminal.wait_for_last("(x1...>");
    terminal.line("2)");
    terminal.wait_for_last("   ...>");
    terminal.line("AS three;");
    let screen = terminal.until("the answer", |screen| screen.lines().any(|line| line.trim() == "3"));
    assert_eq!(after_banner(&screen)[..4], ["turso> SELECT (1 +", "(x1...> 2)", "   ...> AS three;", "3"], "{screen}");
    terminal.wait_for_last("turso>");
    terminal.key("Up");
    terminal.until("the statement", |screen| screen.matches("AS three;").count() == 2);
}

#[test]
fn a_long_import_shows_how_far_it_is() {
    let Some(terminal) = Terminal::open("import", &[]) else { return };
    let rows = 120_000;
    let line = |i: usize| format!("{i},row number {i} with some text that makes the file long enough\n");
    std::fs::write(terminal._home.path().join("long.csv"), (0..rows).map(line).collect::<String>()).unwrap();
    terminal.line("CREATE TABLE t(a INTEGER PRIMARY KEY, b);");
    terminal.wait_for_last("turso>");
    terminal.line(".import --csv long.csv t");
    terminal.until("the bar", |screen| screen.contains("MiB/"));
    terminal.wait_for_last("turso>");
    terminal.line("SELECT count(*) FROM t;");
    terminal.until("the answer", |screen| screen.lines().any(|line| line.trim() == rows.to_string()));
    assert!(!terminal.screen().contains("MiB/"), "the bar is taken away:\n{}", terminal.screen());
}
