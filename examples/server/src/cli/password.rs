//! Where a password comes from: standard input or a terminal that does not show it. Never the command line, which
//! every user of the machine can read.

use std::io::{BufRead, IsTerminal};

use crate::admin::Password;

/// Where a password comes from.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub(super) password_stdin: bool,
}

impl Source {
    /// The password, which is asked for twice at a terminal.
    pub(super) fn read(&self) -> Result<Password, String> {
        if self.password_stdin {
            return line().map(|line| Password::new(&line));
        }
        let (password, confirmation) = twice("Password")?;
        if password == confirmation { Ok(password) } else { Err("the two passwords differ".to_owned()) }
    }
}

/// A password, and what was typed to confirm it.
pub(super) fn twice(what: &str) -> Result<(Password, Password), String> {
    Ok((Password::new(&typed(&format!("{what}: "))?), Password::new(&typed("Once more: ")?)))
}

/// A password that there is already.
pub(super) fn once(what: &str) -> Result<String, String> {
    typed(&format!("{what}: "))
}

fn typed(question: &str) -> Result<String, String> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() || !std::io::stdin().is_terminal() {
        return Err(
            "there is no terminal to ask for the password at: give it with --password-stdin".to_owned()
        );
    }
    let asked = terminal.write_str(question).and_then(|()| terminal.read_secure_line());
    asked.map_err(|error| format!("reading the password: {error}"))
}

/// The next line of standard input, without its end.
pub(super) fn line() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("reading the password: {error}"))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
