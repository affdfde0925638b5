//! Calls of built-in functions with ordinary and odd arguments.
//!
//! A function is a name and a letter for each argument; `?` in front of a letter makes it and what follows optional.

use super::Generator;
use super::model::{Kind, Scope};

/// Never raise an error, whatever their arguments: may stand anywhere in a query.
const SAFE: &[&str] = &[
    "length:e",
    "length:t",
    "octet_length:e",
    "lower:t",
    "upper:t",
    "typeof:e",
    "quote:e",
    "hex:e",
    "unhex:t?t",
    "substr:ti?i",
    "substring:ti?i",
    "instr:te",
    "trim:t?t",
    "ltrim:t?t",
    "rtrim:t?t",
    "replace:ttt",
    "round:n?i",
    "sign:n",
    "soundex:t",
    "unicode:t",
    "char:iii",
    "coalesce:ee?ee",
    "ifnull:ee",
    "nullif:ee",
    "iif:cee",
    "iif:ce",
    "if:cee",
    "if:cece",
    "max:ee?e",
    "min:ee?e",
    "concat:e?ee",
    "concat_ws:te?ee",
    "likely:c",
    "unlikely:c",
    "likelihood:c0.25",
    "like:ll",
    "glob:gt",
    "printf:fe?ee",
    "format:fe?ee",
    "date:d?mm",
    "time:d?mm",
    "datetime:d?mm",
    "julianday:d?m",
    "unixepoch:d?m",
    "strftime:Fd?mm",
    "timediff:dd",
    "date:e",
    "datetime:e",
    "unixepoch:e",
    "strftime:Fe",
    "json_valid:e?k",
    "unistr_quote:t",
    "subtype:e",
    "json_error_position:j",
    "zeroblob:k",
];
/// May raise an error.
const UNSAFE: &[&str] = &[
    "json_array:e?ee",
    "json_quote:n",
    "abs:e",
    "json:j",
    "jsonb:j",
    "json_extract:jp?pp",
    "jsonb_extract:jp?pp",
    "json_type:j?p",
    "json_array_length:j?p",
    "json_insert:jpe?pe",
    "json_replace:jpe?pe",
    "json_set:jpe?pe",
    "jsonb_insert:jpe",
    "jsonb_replace:jpe",
    "jsonb_set:jpe?pe",
    "json_remove:jp?p",
    "jsonb_remove:jp",
    "json_patch:jj",
    "jsonb_patch:jj",
    "json_pretty:j?t",
    "json_object:te?te",
    "jsonb_object:te",
    "jsonb_array:e?ee",
    "json_array_insert:jpe?pe",
    "jsonb_array_insert:jpe",
    "unistr:U",
    "like:llL",
    "char:o?oo",
    "zeroblob:i",
    "json_quote:e",
    "likelihood:e0.5",
    "substr:oo?o",
    "round:oo",
    "printf:foo",
    "replace:ooo",
    "instr:oo",
    "trim:oo",
];
/// Only where SQLite is compiled with them.
const MATH: &[&str] = &[
    "acos:n",
    "acosh:n",
    "asin:n",
    "asinh:n",
    "atan:n",
    "atan2:nn",
    "atanh:n",
    "ceil:n",
    "ceiling:n",
    "cos:n",
    "cosh:n",
    "degrees:n",
    "exp:n",
    "floor:n",
    "ln:n",
    "log:n?n",
    "log10:n",
    "log2:n",
    "mod:nn",
    "pi:",
    "pow:nn",
    "power:nn",
    "radians:n",
    "sin:n",
    "sinh:n",
    "sqrt:n",
    "tan:n",
    "tanh:n",
    "trunc:n",
];

const DATES: &[&str] = &[
    "'2024-02-29'",
    "'2023-12-31 23:59:59.999'",
    "'2000-01-01T00:00:00Z'",
    "'12:30'",
    "'12:30:45.678'",
    "2460000.5",
    "0",
    "1700000000",
    "-1",
    "'2024-02-30'",
    "'2024-13-01'",
    "'0000-01-01'",
    "'9999-12-31 23:59:59'",
    "'-4713-11-24'",
    "'2024-03-10 01:02:03+05:30'",
    "'2024-03-10 01:02-11:45'",
    "'garbage'",
    "''",
    "NULL",
    "'2440587.5'",
    "1e10",
    "'2024-01-31'",
    "5373484.4999999",
    "x'323032342d30312d3031'",
    "'2024-06-15 24:00'",
    "'1970-01-01 00:00:00.5'",
    "'2019-12-30'",
    "'2021-01-03'",
    "-210866760000",
    "253402300799",
    "253402300800",
    "' 2024-01-01'",
    "'2024-1-1'",
];
const MODIFIERS: &[&str] = &[
    "'+1 day'",
    "'-3 months'",
    "'+1 year'",
    "'start of month'",
    "'start of year'",
    "'start of day'",
    "'weekday 0'",
    "'weekday 3'",
    "'unixepoch'",
    "'auto'",
    "'julianday'",
    "'subsec'",
    "'subsecond'",
    "'+0.5 hours'",
    "'-90 minutes'",
    "'+1.5 seconds'",
    "'+0001-02-03 04:05:06'",
    "'-0001-02-03'",
    "'+12:30'",
    "'-12:30:15.5'",
    "'ceiling'",
    "'floor'",
    "'+1 month'",
    "'+1000000 days'",
    "'weekday 7'",
    "'nonsense'",
    "NULL",
    "'+1 days '",
    "'START OF MONTH'",
    "'utc'",
    "'+10 years'",
    "'1 day'",
    "'--1 day'",
    "'+1e3 seconds'",
    "'+ 1 day'",
    "''",
    "5",
];
const FORMATS: &[&str] = &[
    "%d", "%e", "%f", "%F", "%G", "%g", "%H", "%I", "%j", "%J", "%k", "%l", "%m", "%M", "%p", "%P", "%R", "%s", "%S",
    "%T", "%U", "%u", "%V", "%w", "%W", "%Y", "%%", "x",
];
const JSON: &[&str] = &[
    "'[1,2,3]'",
    "'{\"a\":1,\"b\":[1,2,{\"c\":null}]}'",
    "'{}'",
    "'[]'",
    "'1'",
    "'\"text\"'",
    "'null'",
    "'true'",
    "'[1,\"two\",3.5,null,true,false,{\"x\":\"y\"}]'",
    "'{\"a\":{\"b\":{\"c\":[10,20,30]}}}'",
    "'1.5e3'",
    "'-0'",
    "'\"\\u0041\\n\\t\\\"\"'",
    "' [ 1 , 2 ] '",
    "'{\"a\":1,\"a\":2}'",
    "'[[1,2],[3,[4,5]]]'",
    "'\"\\ud83e\\udd80\"'",
    "'{\"a b\":1,\"c.d\":2,\"\":3}'",
    "'[1e400,-1E5,0.10]'",
    "'12345678901234567890'",
];
const JSON5: &[&str] = &[
    "'{a:1,\"b\":2,}'",
    "'[1,2,]'",
    "'[+1,.5,5.,0x1F,Infinity,-Infinity,NaN]'",
    "'{''a'':''b''}'",
    "'/* c */[1] // d'",
    "'\"\\x41\\v\\0\"'",
    "'[1,\n2]'",
    "'{$a:1,_b:2}'",
    "'\"a\\\nb\"'",
];
const BROKEN_JSON: &[&str] = &[
    "'[1,2'",
    "'{\"a\"}'",
    "'{\"a\":}'",
    "''",
    "'abc'",
    "'[1 2]'",
    "'\"abc'",
    "'01'",
    "'1.'",
    "'[1],'",
    "'tru'",
    "x'00ff'",
    "x'0c'",
    "'{1:2}'",
    "'\"\\u12\"'",
    "NULL",
    "x'4c'",
    "'{\"a\":1}}'",
    "'-'",
    "'+'",
];
const PATHS: &[&str] = &[
    "'$'",
    "'$.a'",
    "'$.b[1]'",
    "'$[0]'",
    "'$[#-1]'",
    "'$[#]'",
    "'$.b[2].c'",
    "'$.\"a b\"'",
    "'$.a.b.c[1]'",
    "'$[1][0]'",
    "'$.\"c.d\"'",
    "'$[99]'",
    "'$.zzz'",
    "'$.b[#-2]'",
];
const BROKEN_PATHS: &[&str] =
    &["'a'", "'$a'", "'$['", "'$[x]'", "'$[#-]'", "'$.'", "''", "NULL", "'$.a..b'", "'$[-1]'", "'$[0'", "5", "'.a'"];
const PATTERNS: &[&str] =
    &["'a%'", "'%b%'", "'A_'", "'%'", "'x y'", "'1%'", "'%é'", "'_'", "''", "'a\\%b'", "'%a%b%c%'", "'a[b'", "NULL"];
const GLOBS: &[&str] =
    &["'a*'", "'*b*'", "'[A-Z]*'", "'?'", "'1*'", "'[^a]*'", "'*'", "'[]]'", "'[a-'", "'a[b-c]c'", "''", "'*é'"];

impl Generator {
    /// A call that cannot fail.
    pub fn safe_call(&mut self, scope: &Scope, depth: usize) -> String {
        let one = if self.stock.math && self.rng.percent(8) { *self.rng.pick(MATH) } else { *self.rng.pick(SAFE) };
        self.call(one, scope, depth)
    }

    /// Any call.
    pub fn any_call(&mut self, scope: &Scope, depth: usize) -> String {
        let roll = self.rng.below(100);
        let one = if roll < 45 {
            *self.rng.pick(SAFE)
        } else if roll < 90 || !self.stock.math {
            *self.rng.pick(UNSAFE)
        } else {
            *self.rng.pick(MATH)
        };
        self.call(one, scope, depth)
    }

    fn call(&mut self, spec: &str, scope: &Scope, depth: usize) -> String {
        let (name, letters) = spec.split_once(':').unwrap_or((spec, ""));
        let mut arguments: Vec<String> = Vec::new();
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            if letter == '0' {
                arguments.push(rest.to_owned());
                break;
            }
            rest = &rest[letter.len_utf8()..];
            if letter == '?' {
                if self.rng.percent(55) {
                    break;
                }
                continue;
            }
            let argument = self.argument(letter, scope, depth);
            arguments.push(argument);
        }
        let text = format!("{name}({})", arguments.join(", "));
        // A number that is no date, or becomes none, is one again by `utc`, by accident and of no use: dates that are text are
        // far from the ends of time.
        let dated = ["'2024", "'2000", "'2023", "'2019", "'2021"].iter().any(|year| text.contains(year));
        // Neither may an index depend on the time zone.
        let pure = self.plain_expressions && !self.errors;
        if text.contains("'utc'") && (pure || !dated) { text.replace("'utc'", "'auto'") } else { text }
    }

    fn argument(&mut self, letter: char, scope: &Scope, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        match letter {
            'i' => (self.rng.below(9) as i64 - 3).to_string(),
            'k' => (1 + self.rng.below(8)).to_string(),
            'n' => {
                if self.rng.percent(60) {
                    self.value_of(Kind::Real, scope, depth)
                } else {
                    self.odd()
                }
            }
            't' => self.value_of(Kind::Text, scope, depth),
            'o' => self.odd(),
            'c' => self.condition(scope, depth),
            'd' if self.rng.percent(90) => (*self.rng.pick(DATES)).to_owned(),
            'm' => (*self.rng.pick(MODIFIERS)).to_owned(),
            'F' => {
                let parts: Vec<&str> = (0..1 + self.rng.below(3)).map(|_| *self.rng.pick(FORMATS)).collect();
                if self.rng.percent(4) { "'%q'".into() } else { format!("'{}'", parts.join(" ")) }
            }
            'f' => self.printf_format(),
            'j' => self.json(scope, depth),
            'p' if self.rng.percent(12) => (*self.rng.pick(BROKEN_PATHS)).to_owned(),
            'p' => (*self.rng.pick(PATHS)).to_owned(),
            'l' => (*self.rng.pick(PATTERNS)).to_owned(),
            'L' => (*self.rng.pick(&["'\\'", "'x'", "''", "'ab'", "NULL", "'%'", "'_'"])).to_owned(),
            'g' => (*self.rng.pick(GLOBS)).to_owned(),
            'U' => {
                (*self.rng.pick(&["'a\\0041b'", "'\\+01F980'", "'\\u00e9'", "'\\\\'", "'\\zz'", "'\\12'", "'\\ud800'"]))
                    .to_owned()
            }
            _ => self.value(scope, depth),
        }
    }

    /// A JSON document in one of its forms, now and then broken.
    pub fn json(&mut self, scope: &Scope, depth: usize) -> String {
        match self.rng.below(20) {
            0..=8 => (*self.rng.pick(JSON)).to_owned(),
            9 | 10 => (*self.rng.pick(JSON5)).to_owned(),
            11 | 12 => format!("jsonb({})", self.rng.pick(JSON)),
            13 | 14 => format!("json_array({}, {})", self.odd_json_value(), self.odd_json_value()),
            15 | 16 => format!("json_object('k', {}, 'a', {})", self.odd_json_value(), self.odd_json_value()),
            17 if depth > 0 => format!("json_extract({}, {})", self.rng.pick(JSON), self.rng.pick(PATHS)),
            18 if !scope.0.is_empty() => self.rng.pick(&scope.0).text.clone(),
            _ => (*self.rng.pick(BROKEN_JSON)).to_owned(),
        }
    }

    /// A document that is in order.
    pub fn good_json(&mut self) -> String {
        match self.rng.below(6) {
            0 => format!("jsonb({})", self.rng.pick(JSON)),
            1 => (*self.rng.pick(JSON5)).to_owned(),
            _ => (*self.rng.pick(JSON)).to_owned(),
        }
    }

    /// A path that is in order.
    pub fn good_path(&mut self) -> String {
        (*self.rng.pick(PATHS)).to_owned()
    }

    fn odd_json_value(&mut self) -> String {
        if self.rng.percent(20) { format!("json({})", self.rng.pick(JSON)) } else { self.odd_not_blob() }
    }

    fn odd_not_blob(&mut self) -> String {
        loop {
            let odd = self.odd();
            if !odd.starts_with("x'") && !odd.starts_with("zero") {
                return odd;
            }
        }
    }

    fn printf_format(&mut self) -> String {
        let mut text = String::from("'");
        for _ in 0..1 + self.rng.below(2) {
            text.push_str(self.word(&["", "", "a", " ", "é"]));
            text.push('%');
            for _ in 0..self.rng.below(3) {
                text.push_str(self.word(&["-", "+", " ", "0", "#", ",", "!"]));
            }
            // A width or precision from an argument can be too big: when that is found depends on what is computed beforehand.
            let (width, precision) = if self.errors { ("*", ".*") } else { ("", "") };
            text.push_str(self.word(&["", "", "", "1", "5", "12", "30", width]));
            text.push_str(self.word(&["", "", "", ".0", ".3", ".10", ".", precision, ".20"]));
            text.push_str(self.word(&["", "", "", "l", "ll"]));
            text.push_str(self.word(&[
                "d", "i", "u", "f", "e", "E", "g", "G", "x", "X", "o", "c", "s", "z", "q", "Q", "w", "j", "J", "p",
                "n", "%", "b", "",
            ]));
        }
        text.push('\'');
        text
    }
}
