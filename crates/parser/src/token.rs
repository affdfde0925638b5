//! Kinds of tokens, the keywords, and which keywords may serve as names.

/// What a keyword may be besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing. WINDOW, OVER and FILTER too: the parser turns them into identifiers where they are no keywords.
    Reserved,
    /// An identifier, wherever the keyword itself has no meaning.
    Fallback,
    /// A name, but neither an alias without AS nor a type: the words of join operators.
    Join,
    /// The same for INDEXED.
    Indexed,
}

macro_rules! tokens {
    ([$($(#[$doc:meta])* $symbol:ident,)*] [$($keyword:ident $text:literal $class:ident,)*]) => {
        /// The kind of a token.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum TokenKind {
            $($(#[$doc])* $symbol,)*
            $($keyword,)*
        }

        /// All keywords, by length, then alphabet.
        const KEYWORDS: &[(&str, TokenKind, Class)] = &[$(($text, TokenKind::$keyword, Class::$class),)*];
    };
}

tokens! {
    [
        /// The end of the text.
        Eof,
        /// Something that is no token.
        Illegal,
        Semicolon,
        LeftParen,
        RightParen,
        Comma,
        Dot,
        Plus,
        Minus,
        Star,
        Slash,
        Percent,
        /// `=`, `==`
        Equal,
        /// `<>`, `!=`
        NotEqual,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
        ShiftLeft,
        ShiftRight,
        Ampersand,
        Pipe,
        /// `||`
        Concat,
        Tilde,
        /// `->`
        Arrow,
        /// `->>`
        DoubleArrow,
        Integer,
        HexInteger,
        Float,
        /// A number with `_` at a wrong place: an error once the parser takes it.
        BadSeparator,
        /// `'text'`
        String,
        /// `x'00'`
        Blob,
        /// A parameter.
        Variable,
        /// An identifier without quotes.
        Identifier,
        /// An identifier in `"`, `[` or `` ` ``.
        QuotedIdentifier,
    ]
    [
        As "AS" Reserved,
        By "BY" Fallback,
        Do "DO" Fallback,
        If "IF" Fallback,
        In "IN" Reserved,
        Is "IS" Reserved,
        No "NO" Fallback,
        Of "OF" Fallback,
        On "ON" Reserved,
        Or "OR" Reserved,
        To "TO" Reserved,
        Add "ADD" Reserved,
        All "ALL" Reserved,
        And "AND" Reserved,
        Asc "ASC" Fallback,
        End "END" Fallback,
        For "FOR" Fallback,
        Key "KEY" Fallback,
        Not "NOT" Reserved,
        Row "ROW" Fallback,
        Set "SET" Reserved,
        Case "CASE" Reserved,
        Cast "CAST" Fallback,
        Desc "DESC" Fallback,
        Drop "DROP" Reserved,
        Each "EACH" Fallback,
        Else "ELSE" Reserved,
        Fail "FAIL" Fallback,
        From "FROM" Reserved,
        Full "FULL" Join,
        Glob "GLOB" Fallback,
        Into "INTO" Reserved,
        Join "JOIN" Reserved,
        Last "LAST" Fallback,
        Left "LEFT" Join,
        Like "LIKE" Fallback,
        Null "NULL" Reserved,
        Over "OVER" Reserved,
        Plan "PLAN" Fallback,
        Rows "ROWS" Fallback,
        Temp "TEMP" Fallback,
        Then "THEN" Reserved,
        Ties "TIES" Fallback,
        View "VIEW" Fallback,
        When "WHEN" Reserved,
        With "WITH" Fallback,
        Abort "ABORT" Fallback,
        After "AFTER" Fallback,
        Alter "ALTER" Reserved,
        Begin "BEGIN" Fallback,
        Check "CHECK" Reserved,
        Cross "CROSS" Join,
        First "FIRST" Fallback,
        Group "GROUP" Reserved,
        Index "INDEX" Reserved,
        Inner "INNER" Join,
        Limit "LIMIT" Reserved,
        Match "MATCH" Fallback,
        Nulls "NULLS" Fallback,
        Order "ORDER" Reserved,
        Outer "OUTER" Join,
        Query "QUERY" Fallback,
        Raise "RAISE" Fallback,
        Range "RANGE" Fallback,
        Right "RIGHT" Join,
        Table "TABLE" Reserved,
        Union "UNION" Reserved,
        Using "USING" Reserved,
        Where "WHERE" Reserved,
        Action "ACTION" Fallback,
        Always "ALWAYS" Fallback,
        Attach "ATTACH" Fallback,
        Before "BEFORE" Fallback,
        Column "COLUMN" Fallback,
        Commit "COMMIT" Reserved,
        Create "CREATE" Reserved,
        Delete "DELETE" Reserved,
        Detach "DETACH" Fallback,
        Escape "ESCAPE" Reserved,
        Except "EXCEPT" Reserved,
        Exists "EXISTS" Reserved,
        Filter "FILTER" Reserved,
        Groups "GROUPS" Fallback,
        Having "HAVING" Reserved,
        Ignore "IGNORE" Fallback,
        Insert "INSERT" Reserved,
        Isnull "ISNULL" Reserved,
        Offset "OFFSET" Fallback,
        Others "OTHERS" Fallback,
        Pragma "PRAGMA" Fallback,
        Regexp "REGEXP" Fallback,
        Rename "RENAME" Fallback,
        Select "SELECT" Reserved,
        Unique "UNIQUE" Reserved,
        Update "UPDATE" Reserved,
        Vacuum "VACUUM" Fallback,
        Values "VALUES" Reserved,
        Window "WINDOW" Reserved,
        Analyze "ANALYZE" Fallback,
        Between "BETWEEN" Reserved,
        Cascade "CASCADE" Fallback,
        Collate "COLLATE" Reserved,
        Current "CURRENT" Fallback,
        Default "DEFAULT" Reserved,
        Exclude "EXCLUDE" Fallback,
        Explain "EXPLAIN" Fallback,
        Foreign "FOREIGN" Reserved,
        Indexed "INDEXED" Indexed,
        Instead "INSTEAD" Fallback,
        Natural "NATURAL" Join,
        Nothing "NOTHING" Reserved,
        Notnull "NOTNULL" Reserved,
        Primary "PRIMARY" Reserved,
        Reindex "REINDEX" Fallback,
        Release "RELEASE" Fallback,
        Replace "REPLACE" Fallback,
        Trigger "TRIGGER" Fallback,
        Virtual "VIRTUAL" Fallback,
        Without "WITHOUT" Fallback,
        Conflict "CONFLICT" Fallback,
        Database "DATABASE" Fallback,
        Deferred "DEFERRED" Fallback,
        Distinct "DISTINCT" Reserved,
        Restrict "RESTRICT" Fallback,
        Rollback "ROLLBACK" Fallback,
        Exclusive "EXCLUSIVE" Fallback,
        Following "FOLLOWING" Fallback,
        Generated "GENERATED" Fallback,
        Immediate "IMMEDIATE" Fallback,
        Initially "INITIALLY" Fallback,
        Intersect "INTERSECT" Reserved,
        Partition "PARTITION" Fallback,
        Preceding "PRECEDING" Fallback,
        Recursive "RECURSIVE" Fallback,
        Returning "RETURNING" Reserved,
        Savepoint "SAVEPOINT" Fallback,
        Temporary "TEMPORARY" Fallback,
        Unbounded "UNBOUNDED" Fallback,
        Constraint "CONSTRAINT" Reserved,
        Deferrable "DEFERRABLE" Reserved,
        References "REFERENCES" Reserved,
        Transaction "TRANSACTION" Reserved,
        CurrentDate "CURRENT_DATE" Fallback,
        CurrentTime "CURRENT_TIME" Fallback,
        Materialized "MATERIALIZED" Fallback,
        Autoincrement "AUTOINCREMENT" Reserved,
        CurrentTimestamp "CURRENT_TIMESTAMP" Fallback,
    ]
}

const SHORTEST: usize = 2;
const LONGEST: usize = 17;
const FIRST_KEYWORD: u8 = TokenKind::QuotedIdentifier as u8 + 1;

/// `BUCKETS[b]..BUCKETS[b + 1]` are the keywords whose length and first letter make bucket `b`.
static BUCKETS: [u8; (LONGEST - SHORTEST + 1) * 26 + 1] = {
    let mut buckets = [0u8; (LONGEST - SHORTEST + 1) * 26 + 1];
    let mut i = 0;
    let mut b = 0;
    while b < buckets.len() {
        while i < KEYWORDS.len() && bucket(KEYWORDS[i].0.as_bytes()) < b {
            i += 1;
        }
        buckets[b] = i as u8;
        b += 1;
    }
    buckets
};

const fn bucket(word: &[u8]) -> usize {
    (word.len() - SHORTEST) * 26 + ((word[0] | 0x20) - b'a') as usize
}

/// The keyword that an identifier spells, if any.
#[inline]
pub(crate) fn keyword(word: &[u8]) -> Option<TokenKind> {
    if word.len() < SHORTEST || word.len() > LONGEST || !word[0].is_ascii_alphabetic() {
        return None;
    }
    let b = bucket(word);
    let (start, end) = (BUCKETS[b] as usize, BUCKETS[b + 1] as usize);
    KEYWORDS[start..end].iter().find(|(text, ..)| word.eq_ignore_ascii_case(text.as_bytes())).map(|&(_, kind, _)| kind)
}

/// The keywords in capital letters, in no particular order.
pub fn keywords() -> impl ExactSizeIterator<Item = &'static str> {
    KEYWORDS.iter().map(|&(text, ..)| text)
}

impl TokenKind {
    #[inline]
    fn class(self) -> Option<Class> {
        (self as u8).checked_sub(FIRST_KEYWORD).map(|i| KEYWORDS[i as usize].2)
    }

    /// True for a word with a meaning of its own.
    pub(crate) fn is_keyword(self) -> bool {
        self.class().is_some()
    }

    /// True for what the grammar takes as an identifier, keywords that fall back included.
    #[inline]
    pub(crate) fn is_id(self) -> bool {
        matches!(self, TokenKind::Identifier | TokenKind::QuotedIdentifier) || self.class() == Some(Class::Fallback)
    }

    /// True for an identifier or a string: aliases without AS, types, collations.
    #[inline]
    pub(crate) fn is_id_or_string(self) -> bool {
        self == TokenKind::String || self.is_id()
    }

    /// True for what may name a column or a function in an expression.
    #[inline]
    pub(crate) fn is_expr_name(self) -> bool {
        matches!(self, TokenKind::Identifier | TokenKind::QuotedIdentifier)
            || matches!(self.class(), Some(Class::Fallback | Class::Join | Class::Indexed))
    }

    /// True for what may name an object.
    #[inline]
    pub(crate) fn is_name(self) -> bool {
        self == TokenKind::String || self.is_expr_name()
    }

    /// True for the words of join operators.
    #[inline]
    pub(crate) fn is_join_word(self) -> bool {
        self.class() == Some(Class::Join)
    }
}

/// A token: its kind and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_in_any_case() {
        for &(text, kind, _) in KEYWORDS {
            assert_eq!(keyword(text.as_bytes()), Some(kind), "{text}");
            assert_eq!(keyword(text.to_ascii_lowercase().as_bytes()), Some(kind), "{text}");
        }
        for word in ["", "a", "selec", "selects", "_select", "zz", "current_timestam", "current_timestamps"] {
            assert_eq!(keyword(word.as_bytes()), None, "{word}");
        }
    }
}
