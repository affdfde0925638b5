//! Options of `.archive`, as `tar` has them.

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Create,
    Extract,
    Insert,
    List,
    Remove,
    Update,
    Help,
}

/// A command with its options.
#[derive(Debug)]
pub struct Request {
    pub command: Command,
    pub verbose: bool,
    pub dry_run: bool,
    pub glob: bool,
    pub file: Option<String>,
    /// The archive is at the end of that file.
    pub append: bool,
    pub directory: Option<String>,
    pub names: Vec<String>,
}

/// Letter, long name, takes an argument.
const OPTIONS: [(char, &str, bool); 13] = [
    ('c', "create", false),
    ('x', "extract", false),
    ('i', "insert", false),
    ('t', "list", false),
    ('r', "remove", false),
    ('u', "update", false),
    ('h', "help", false),
    ('v', "verbose", false),
    ('n', "dryrun", false),
    ('g', "glob", false),
    ('f', "file", true),
    ('a', "append", true),
    ('C', "directory", true),
];

#[derive(Default)]
struct Parser {
    command: Option<Command>,
    verbose: bool,
    dry_run: bool,
    glob: bool,
    file: Option<String>,
    append: bool,
    directory: Option<String>,
}

impl Parser {
    fn request(self, names: Vec<String>) -> Request {
        Request {
            command: self.command.unwrap_or(Command::List),
            verbose: self.verbose,
            dry_run: self.dry_run,
            glob: self.glob,
            file: self.file,
            append: self.append,
            directory: self.directory,
            names,
        }
    }

    fn set(&mut self, letter: char, argument: Option<&str>) -> Result<(), String> {
        let command = match letter {
            'c' => Command::Create,
            'x' => Command::Extract,
            'i' => Command::Insert,
            't' => Command::List,
            'r' => Command::Remove,
            'u' => Command::Update,
            'h' => Command::Help,
            'v' => {
                self.verbose = true;
                return Ok(());
            }
            'n' => {
                self.dry_run = true;
                return Ok(());
            }
            'g' => {
                self.glob = true;
                return Ok(());
            }
            'f' | 'a' => {
                self.file = argument.map(str::to_owned);
                self.append = letter == 'a';
                return Ok(());
            }
            _ => {
                self.directory = argument.map(str::to_owned);
                return Ok(());
            }
        };
        if self.command.is_some() {
            return Err("multiple command options".into());
        }
        self.command = Some(command);
        Ok(())
    }
}

/// Understand the words; the first may be letters without a dash.
pub fn parse(words: &[&str]) -> Result<Request, String> {
    let mut parser = Parser::default();
    let mut words = words.iter().copied().peekable();
    let find = |letter: char| OPTIONS.iter().find(|(l, _, _)| *l == letter);
    if let Some(first) = words.next_if(|w| !w.starts_with('-')) {
        // As in old times: arguments follow in the order of their letters.
        for letter in first.chars() {
            let Some((_, _, takes)) = find(letter) else { return Err(format!("unrecognized option: {letter}")) };
            let argument = if *takes {
                Some(words.next().ok_or_else(|| format!("option requires an argument: {letter}"))?)
            } else {
                None
            };
            parser.set(letter, argument)?;
        }
        return Ok(parser.request(words.map(str::to_owned).collect()));
    }
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|l| !l.is_empty()) {
            let matching: Vec<_> = OPTIONS.iter().filter(|(_, name, _)| name.starts_with(long)).collect();
            let (letter, takes) = match matching.as_slice() {
                [(letter, _, takes)] => (*letter, *takes),
                [] => return Err(format!("unrecognized option: {word}")),
                _ => return Err(format!("ambiguous option: {word}")),
            };
            let argument = if takes {
                Some(words.next().ok_or_else(|| format!("option requires an argument: {word}"))?)
            } else {
                None
            };
            parser.set(letter, argument)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty() && *l != "-") {
            for (at, letter) in letters.char_indices() {
                let Some((_, _, takes)) = find(letter) else { return Err(format!("unrecognized option: {letter}")) };
                if !takes {
                    parser.set(letter, None)?;
                    continue;
                }
                let rest = &letters[at + letter.len_utf8()..];
                let argument = if rest.is_empty() { words.next() } else { Some(rest) };
                parser.set(letter, Some(argument.ok_or_else(|| format!("option requires an argument: {letter}"))?))?;
                break;
            }
        } else {
            if word != "--" {
                names.push(word.to_owned());
            }
            names.extend(words.by_ref().map(str::to_owned));
        }
    }
    Ok(parser.request(names))
}
