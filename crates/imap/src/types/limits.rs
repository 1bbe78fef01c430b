//! What bounds one call of a parser, and which extensions change the grammar.

/// Bounds of one command or response. Every field is public; start from a constructor and change fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseLimits {
    /// Deepest nesting of parentheses, NOT and OR: 32 for commands, 100 for responses. One more is refused.
    ///
    /// Parsers and encoders do not recurse. What is read is a tree, though, and a hundred levels of it are dropped and
    /// compared within 64 KiB of stack and cloned within 512 KiB, without optimisation; a larger limit takes as much
    /// more. What is only passed over, such as an item that is too deep, may be ten times as deep.
    pub nesting_max: usize,
    /// Most ranges in one sequence set (10,000).
    pub ranges_max: usize,
    /// Most part numbers in one section (32 for commands, 128 for responses).
    pub section_depth_max: usize,
    /// Most items in one list: fetch attributes, flags, header names, search keys (1,000; 100,000).
    /// A SEARCH response is not a list: its size is bounded by the length of its line.
    pub list_max: usize,
    /// Longest quoted string in octets, between the quotes (65,536; 1,048,576).
    pub quoted_max: usize,
}

impl ParseLimits {
    /// For a server that reads commands.
    pub const fn server() -> Self {
        Self {
            nesting_max: 32,
            ranges_max: 10_000,
            section_depth_max: 32,
            list_max: 1_000,
            quoted_max: 65_536,
        }
    }

    /// For a client that reads responses.
    pub const fn client() -> Self {
        Self {
            nesting_max: 100,
            ranges_max: 10_000,
            section_depth_max: 128,
            list_max: 100_000,
            quoted_max: 1_048_576,
        }
    }

    /// For a server before login, where nothing legal nests more than once.
    pub const fn before_login() -> Self {
        Self { nesting_max: 1, ranges_max: 1, section_depth_max: 1, list_max: 64, quoted_max: 1_024 }
    }
}

/// What a parser must know of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseContext {
    /// The bounds.
    pub limits: ParseLimits,
    /// UTF8=ACCEPT or IMAP4rev2 is enabled: quoted strings and mailbox names are UTF-8.
    pub utf8: bool,
}

impl ParseContext {
    /// A server's context with its usual limits, UTF-8 not enabled.
    pub const fn server() -> Self {
        Self { limits: ParseLimits::server(), utf8: false }
    }

    /// A client's context with its usual limits, UTF-8 not enabled.
    pub const fn client() -> Self {
        Self { limits: ParseLimits::client(), utf8: false }
    }
}
