//! The commands of the administrator. They work on the data directory, whether or not a server runs on it.
//!
//! Exit status: 0 done; 1 not done, and standard error says why; 2 the command line is wrong.

mod import;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, parse_size};
use crate::directory::{Account, Address, Directory, HashCost, NewAccount, RemoveDomain};
use crate::store::{Role, Store};
use crate::{demo, listen, log};

/// The program: reads the command line, does what it says.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = log::init(arguments.log_format, arguments.command.log_level()).and_then(|()| {
        let runtime = tokio::runtime::Runtime::new().map_err(text)?;
        runtime.block_on(Box::pin(arguments.command.run()))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Without standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "posthaste: {message}");
            ExitCode::FAILURE
        }
    }
}

/// A mail server: SMTP, submission, LMTP, IMAP and POP3.
#[derive(Debug, Parser)]
#[command(name = "posthaste", version)]
struct Arguments {
    /// What lines of the log look like.
    #[arg(long, global = true, value_enum)]
    log_format: Option<log::Format>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    Serve(ConfigFile),
    /// Run a server for trying out, with nothing to set up.
    Demo(demo::Options),
    /// Add, list or remove domains.
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Add, list, change or remove accounts.
    #[command(subcommand)]
    Account(AccountCommand),
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum DomainCommand {
    /// Deliver mail for this domain here.
    Add {
        #[command(flatten)]
        file: ConfigFile,
        /// The domain, as in example.org.
        name: String,
    },
    /// Show the domains, one a line.
    List {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// No longer deliver mail for this domain here.
    Remove {
        #[command(flatten)]
        file: ConfigFile,
        /// The domain.
        name: String,
        /// Remove its accounts and all their mail too.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Make an account.
    Add {
        #[command(flatten)]
        file: ConfigFile,
        /// Its address, as in anna@example.org.
        address: String,
        #[command(flatten)]
        password: PasswordSource,
        /// How much it may store: octets, or a number with K, M or G.
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        quota: Option<u64>,
    },
    /// Show the accounts, one a line: address, octets used, quota or "-", separated by tabs.
    List {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Remove an account and all its mail.
    Remove {
        #[command(flatten)]
        file: ConfigFile,
        /// Its address.
        address: String,
    },
    /// Give an account a new password.
    Passwd {
        #[command(flatten)]
        file: ConfigFile,
        /// Its address.
        address: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Make all accounts of a CSV file, or none, if any can not be made.
    Import {
        #[command(flatten)]
        file: ConfigFile,
        /// The file; its first line is `address,password,quota`.
        #[arg(value_name = "FILE.csv")]
        list: PathBuf,
    },
}

/// Where a password comes from. Never the command line, which every user of the machine can read.
#[derive(Debug, Args)]
struct PasswordSource {
    /// Read the password from the first line of standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
}

impl Command {
    /// What is logged unless the environment says otherwise: the demo's own lines are not to be torn apart.
    const fn log_level(&self) -> &'static str {
        if matches!(self, Self::Demo(_)) { "error" } else { "info" }
    }

    async fn run(self) -> Result<(), String> {
        match self {
            Self::Serve(file) => listen::serve(load(&file.config)?).await.map_err(text),
            Self::Demo(options) => demo::run(options).await,
            Self::Domain(command) => command.run().await,
            Self::Account(command) => command.run().await,
        }
    }
}

impl DomainCommand {
    async fn run(self) -> Result<(), String> {
        match self {
            Self::Add { file, name } => open(&file)?.add_domain(&name).await.map_err(text),
            Self::List { file } => print_lines(open(&file)?.domains().await.map_err(text)?),
            Self::Remove { file, name, force } => {
                let how = if force { RemoveDomain::WithAccounts } else { RemoveDomain::IfEmpty };
                open(&file)?.remove_domain(&name, how).await.map_err(text)
            }
        }
    }
}

impl AccountCommand {
    async fn run(self) -> Result<(), String> {
        match self {
            Self::Add { file, address, password: _, quota } => {
                let account =
                    NewAccount { address: parse_address(&address)?, password: read_password()?, quota };
                open(&file)?.add_account(account).await.map_err(text)
            }
            Self::List { file } => {
                let accounts = open(&file)?.accounts().await.map_err(text)?;
                print_lines(accounts.iter().map(|Account { address, quota, used, .. }| {
                    let quota = quota.map_or("-".to_owned(), |quota| quota.to_string());
                    format!("{address}\t{used}\t{quota}")
                }))
            }
            Self::Remove { file, address } => {
                open(&file)?.remove_account(&parse_address(&address)?).await.map_err(text)
            }
            Self::Passwd { file, address, password: _ } => {
                let (address, password) = (parse_address(&address)?, read_password()?);
                open(&file)?.set_password(&address, password).await.map_err(text)
            }
            Self::Import { file, list } => import::run(&open(&file)?, &list).await,
        }
    }
}

fn load(path: &Path) -> Result<Config, String> {
    Config::load(path).map_err(text)
}

fn open(file: &ConfigFile) -> Result<Directory, String> {
    let store = Store::open(&load(&file.config)?.data, Role::Tool).map_err(text)?;
    Directory::new(store, HashCost::RECOMMENDED).map_err(text)
}

fn parse_address(address: &str) -> Result<Address, String> {
    Address::parse(address).map_err(|error| format!("{address:?}: {error}"))
}

/// The first line of standard input, without its end.
fn read_password() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("reading the password: {error}"))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(password.strip_suffix('\r').unwrap_or(password).to_owned())
}

fn print_lines(lines: impl IntoIterator<Item = String>) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush()).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
