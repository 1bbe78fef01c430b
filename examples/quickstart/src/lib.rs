//! Small complete programs on the Posthaste crates: one file each in `src/bin`. What several of them need is here.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`account`] | a mail account from a URL, with its password from where nobody else can read it |
//! | [`progress`] | a progress bar for people, and nothing for scripts |
//! | [`shown`] | what a stranger wrote, as a terminal may show it |
//! | [`sink`] | a server of all three protocols in memory, for tests of mail programs |

pub mod account;
pub mod progress;
pub mod shown;
pub mod sink;

use std::error::Error;
use std::ffi::OsString;
use std::fmt;

/// The end of a program: done, or why not.
pub type Outcome = Result<(), Problem>;

/// Why a program cannot go on, as a sentence for people: `main` shows what it returns by `Debug`, which here is the
/// error's own words. Made from every error, and from a text.
pub struct Problem(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The arguments of the program; `None` when one of them asks for help, which has been given then.
///
/// # Errors
///
/// An argument is not UTF-8.
pub fn arguments(help: &str) -> Result<Option<Vec<String>>, Problem> {
    let readable = |argument: OsString| {
        argument.into_string().map_err(|argument| format!("{} is not UTF-8", argument.to_string_lossy()))
    };
    let arguments: Vec<String> = std::env::args_os().skip(1).map(readable).collect::<Result<_, _>>()?;
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{}", help.trim());
        return Ok(None);
    }
    Ok(Some(arguments))
}
