//! A mail account, as somebody names it to a program: a URL such as `imaps://ursel@mail.example`.
//!
//! Decides where the password comes from. Arguments can be read by every process of a machine, so that a URL with a
//! password is refused: it is in the environment, or the first line of the standard input.

use std::env::{self, VarError};
use std::io::{BufRead, IsTerminal, stdin};
use std::path::Path;

use posthaste_tokio::tls::Trust;
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Secret};

use crate::Problem;

/// A server, and how to log in there.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where the server is.
    pub endpoint: Endpoint,
    /// Who logs in, and whom to trust.
    pub options: ClientOptions,
}

impl Account {
    /// The account that a URL names. The password is in the environment variable `password`; where that is not set, it
    /// is the first line of the standard input.
    ///
    /// Trusts as [`trusted`] says.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong with the URL, the password or the file of [`trusted`].
    pub fn from_url(url: &str, password: &str) -> Result<Self, Problem> {
        let endpoint: Endpoint = url.parse()?;
        if endpoint.has_password() {
            return Err(format!("a password in a URL can be seen by others: put it into {password}").into());
        }
        let mut options = ClientOptions::default();
        options.trust = trusted()?;
        if let Some(user) = endpoint.user() {
            options = options.with_credentials(Credentials::new(user, secret(password)?));
        }
        Ok(Self { endpoint, options })
    }
}

/// Whom to trust in place of the public authorities, where `MAIL_CA` names a PEM file: those in it and no others.
///
/// # Errors
///
/// A sentence about what is wrong with the file.
pub fn trusted() -> Result<Option<Trust>, Problem> {
    let Some(file) = env::var_os("MAIL_CA") else { return Ok(None) };
    let pem = std::fs::read(&file).map_err(|error| format!("{}: {error}", Path::new(&file).display()))?;
    Ok(Some(Trust::from_pem(&pem)?))
}

/// The password in the variable, or from the standard input. It is not shown while it is typed only where the terminal
/// is told so: better it comes from a program that keeps passwords.
fn secret(variable: &str) -> Result<Secret, Problem> {
    match env::var(variable) {
        Ok(password) => return Ok(Secret::from(password)),
        Err(VarError::NotUnicode(_)) => return Err(format!("{variable} is not UTF-8").into()),
        Err(VarError::NotPresent) => {}
    }
    if stdin().is_terminal() {
        return Err(format!("no password: set {variable}, or write it to the standard input").into());
    }
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(format!("no password: {variable} is not set, and the standard input is empty").into());
    }
    Ok(Secret::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_argument_is_refused() {
        let error = Account::from_url("imaps://ursel:Geheim!@mail.example", "X").unwrap_err().to_string();
        assert!(error.contains("put it into X") && !error.contains("Geheim!"), "{error}");
    }

    #[test]
    fn a_url_without_a_user_needs_no_password() {
        let account = Account::from_url("smtp://mail.example:2525", "X").unwrap();
        assert_eq!(account.endpoint.port(), 2525);
        assert!(account.options.credentials.is_none());
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for url in ["https://mail.example", "imaps://mail.example/INBOX", "mail.example", "imaps://"] {
            assert!(Account::from_url(url, "X").is_err(), "{url}");
        }
    }
}
