//! The commands of the administrator. Each asks the service layer ([`admin`](crate::admin)) and shows the answer: of
//! the server that runs on the data directory, or in this process where none runs. Nothing is decided here.
//!
//! Exit status: 0 done; 1 not done, and standard error says why; 2 the command line is wrong.

mod accounts;
mod dns;
mod door;
mod mail;
mod mailboxes;
mod memory;
mod names;
mod password;
mod remote;
mod server;
mod show;
mod upkeep;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::admin::{Operation, Problem};
use crate::config::Config;
use crate::store::Progress;
use crate::{demo, log};
use door::Door;
use show::Form;

/// The program: reads the command line, does what it says.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Command::Serve) {
        memory::give_large_blocks_back();
    }
    let outcome = log::init(arguments.log_format, arguments.command.log_level()).and_then(|_log| {
        let runtime = tokio::runtime::Runtime::new().map_err(text)?;
        runtime.block_on(Box::pin(arguments.command.run(arguments.common)))
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

/// The command line, for completions of shells and for whoever checks what is written about it.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// A mail server: SMTP, submission, LMTP, IMAP and POP3.
#[derive(Debug, Parser)]
#[command(name = "posthaste", version)]
struct Arguments {
    /// What lines of the log look like.
    #[arg(long, global = true, value_enum)]
    log_format: Option<log::Format>,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What all commands understand.
#[derive(Debug, Args)]
struct Common {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/posthaste/posthaste.toml")]
    config: PathBuf,
    /// Ask the server at this address, to which `login` has logged in, and not the one on this machine.
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Answer with JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
}

// Which part of a list. Clap would take a documentation for that of the command.
#[derive(Debug, Args)]
struct OfDomain {
    /// Only those of this domain.
    #[arg(long)]
    domain: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the administrator of a new server.
    Setup(server::Setup),
    /// Run the server until SIGTERM or Ctrl-C.
    Serve,
    /// Run a server for trying out, with nothing to set up.
    Demo(demo::Options),
    /// Domains: their names and limits.
    #[command(subcommand)]
    Domain(names::Domain),
    /// Accounts.
    #[command(subcommand)]
    Account(accounts::Account),
    /// Give an account another password.
    Password(accounts::Password),
    /// Passwords of programs, each revoked alone.
    #[command(subcommand)]
    AppPassword(accounts::AppPassword),
    /// Addresses that stand for others.
    #[command(subcommand)]
    Alias(names::Alias),
    /// Several accounts under one address.
    #[command(subcommand)]
    Group(names::Group),
    /// Classes of accounts, and what each may keep.
    #[command(subcommand)]
    Class(names::Class),
    /// The mailboxes of an account, and who may use them.
    #[command(subcommand)]
    Mailbox(mailboxes::Mailbox),
    /// What accounts keep and may keep.
    #[command(subcommand)]
    Quota(accounts::Quota),
    /// Administrators without mailboxes.
    #[command(subcommand)]
    Administrator(server::Administrator),
    /// Who is shut out for guessing passwords.
    #[command(subcommand)]
    Ban(server::Ban),
    /// Print the DNS records that a domain needs.
    Dns(dns::Dns),
    /// The certificates that clients are shown.
    #[command(subcommand)]
    Certificate(server::Certificate),
    /// Look for what does not fit together in the store.
    Check(upkeep::Check),
    /// Write a consistent copy of everything, also while the server runs.
    Backup(upkeep::Backup),
    /// Make a data directory of a backup, or bring the mail of one account back from it.
    Restore(upkeep::Restore),
    /// Write the mail of an account as Maildir or mbox.
    Export(mail::Export),
    /// Bring mail into an account from Maildir or mbox; what is there already is not doubled.
    Import(mail::Import),
    /// Bring back messages that were deleted.
    Undelete(upkeep::Undelete),
    /// Tell what became of a message.
    Trace(upkeep::Trace),
    /// The HTTP interface.
    #[command(subcommand)]
    Api(server::Api),
    /// The configuration file.
    #[command(subcommand)]
    Config(server::ConfigCommand),
    /// Log in to a server on another machine, for `--server`.
    Login(remote::LogIn),
    /// Forget what `login` has brought.
    Logout(remote::LogOut),
    /// Say which program this is.
    Version,
}

impl Command {
    /// What is logged unless the environment says otherwise. Who runs a command is told by its answer, and the demo's
    /// lines are not to be torn apart.
    const fn log_level(&self) -> &'static str {
        if matches!(self, Self::Serve) { "info" } else { "error" }
    }

    async fn run(self, common: Common) -> Result<(), String> {
        match self {
            Self::Setup(command) => command.run(&common).await,
            Self::Serve => server::serve(&common).await,
            Self::Demo(options) => demo::run(options).await,
            Self::Domain(command) => command.run(&common).await,
            Self::Account(command) => command.run(&common).await,
            Self::Password(command) => command.run(&common).await,
            Self::AppPassword(command) => command.run(&common).await,
            Self::Alias(command) => command.run(&common).await,
            Self::Group(command) => command.run(&common).await,
            Self::Class(command) => command.run(&common).await,
            Self::Mailbox(command) => command.run(&common).await,
            Self::Quota(command) => command.run(&common).await,
            Self::Administrator(command) => command.run(&common).await,
            Self::Ban(command) => command.run(&common).await,
            Self::Dns(command) => command.run(&common),
            Self::Certificate(command) => command.run(&common).await,
            Self::Check(command) => command.run(&common).await,
            Self::Backup(command) => command.run(&common).await,
            Self::Restore(command) => command.run(&common).await,
            Self::Export(command) => command.run(&common).await,
            Self::Import(command) => command.run(&common).await,
            Self::Undelete(command) => command.run(&common).await,
            Self::Trace(command) => command.run(&common).await,
            Self::Api(command) => command.run(),
            Self::Config(command) => command.run(&common).await,
            Self::Login(command) => command.run(&common).await,
            Self::Logout(command) => command.run(&common).await,
            Self::Version => show::print(&format!("posthaste {}\n", env!("CARGO_PKG_VERSION"))),
        }
    }
}

impl Common {
    const fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Table }
    }

    fn load(&self) -> Result<Config, String> {
        if self.server.is_some() {
            return Err(
                "this is done on the machine of the server: run it there, without --server".to_owned()
            );
        }
        Config::load(&self.config).map_err(text)
    }

    /// Asks the service layer.
    async fn ask<O: Operation>(&self, request: O) -> Result<O::Answer, String> {
        self.ask_long(request, Progress::silent()).await
    }

    /// Asks the service layer for what may take long.
    async fn ask_long<O: Operation>(&self, request: O, progress: Progress) -> Result<O::Answer, String> {
        if let Some(server) = &self.server {
            return remote::Remote::find(server)?.call(request, progress).await.map_err(text);
        }
        let config = self.load()?;
        let answer = async { Door::open(&config).await?.call(request, progress).await };
        answer.await.map_err(|problem: Problem| problem.to_string())
    }

    /// Asks for what has no answer, and says a sentence to people.
    async fn tell<O: Operation<Answer = ()>>(&self, request: O, sentence: &str) -> Result<(), String> {
        self.ask(request).await?;
        show::say(self.form(), sentence)
    }
}

/// Something that can be taken away: a value, or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OrNone<T> {
    None,
    Some(T),
}

impl<T> OrNone<T> {
    fn into_option(self) -> Option<T> {
        match self {
            Self::None => None,
            Self::Some(value) => Some(value),
        }
    }
}

/// Understands a value or `none`.
fn or_none<T: std::str::FromStr<Err: std::fmt::Display>>(given: &str) -> Result<OrNone<T>, String> {
    if given == "none" { Ok(OrNone::None) } else { given.parse().map(OrNone::Some).map_err(text) }
}

/// Understands a size or `none`.
fn size_or_none(given: &str) -> Result<OrNone<u64>, String> {
    if given == "none" { Ok(OrNone::None) } else { crate::config::parse_size(given).map(OrNone::Some) }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
