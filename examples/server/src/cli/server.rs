//! The commands `setup`, `serve`, `administrator`, `ban`, `api` and `config`.

use std::net::IpAddr;

use clap::{Args, Subcommand};

use super::{Common, Door, password, password::Source, show, text};
use crate::admin::{Password, administrators, bans, http};
use crate::directory::{Ban as Banned, BanSubject};
use crate::store::sqlite;
use crate::{listen, tls};

/// Makes the administrator of a new server.
#[derive(Debug, Args)]
pub(super) struct Setup {
    /// The name to log in with.
    #[arg(long, default_value = administrators::FIRST)]
    name: String,
    /// Read the password from the first line of standard input, and once more from the second.
    #[arg(long, conflicts_with = "random")]
    password_stdin: bool,
    /// Make a random password and show it once.
    #[arg(long)]
    random: bool,
}

impl Setup {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let config = common.load()?;
        let given = match (self.random, self.password_stdin) {
            (true, _) => None,
            (false, true) => Some((Password::new(&password::line()?), Password::new(&password::line()?))),
            (false, false) => Some(password::twice(&format!("Password of {}", self.name))?),
        };
        let door = Door::open(&config).await.map_err(text)?;
        let (admin, store) = door.here().map_err(text)?;
        let made = administrators::setup(&admin, &self.name, given).await;
        store.close().await.map_err(text)?;
        match made.map_err(text)? {
            Some(random) => show::print(&format!(
                "{} is the administrator. The password is shown once, please remember it: {random}\n",
                self.name
            )),
            None => {
                show::print(&format!("{} is the administrator. Please remember the password.\n", self.name))
            }
        }
    }
}

/// Runs the server.
pub(super) async fn serve(common: &Common) -> Result<(), String> {
    listen::serve(common.load()?).await.map_err(text)
}

#[derive(Debug, Subcommand)]
pub(super) enum Administrator {
    /// Make one, or give one another password.
    Set {
        /// The name to log in with.
        name: String,
        #[command(flatten)]
        password: Source,
    },
    /// Show them.
    List,
    /// Remove one.
    Remove {
        /// The name.
        name: String,
    },
}

impl Administrator {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Set { name, password } => {
                let sentence = format!("{name} is an administrator");
                let password = password.read()?;
                common.tell(administrators::Put { name, password, confirmation: None }, &sentence).await
            }
            Self::List => {
                let all = common.ask(administrators::List {}).await?;
                show::answer(common.form(), &all, &["ADMINISTRATOR"], |all| {
                    all.iter().map(|name| vec![name.clone()]).collect()
                })
            }
            Self::Remove { name } => {
                let sentence = format!("{name} is no administrator any more");
                common.tell(administrators::Remove { name }, &sentence).await
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Ban {
    /// Show who is shut out.
    List,
    /// Shut a network out.
    Add {
        /// An address of it: itself for IPv4, its /64 for IPv6.
        network: IpAddr,
        /// For how many minutes.
        #[arg(long, default_value = "60")]
        minutes: u64,
    },
    /// Let somebody in again.
    Lift {
        /// An address or a user name.
        who: String,
    },
}

impl Ban {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::List => {
                let all = common.ask(bans::List {}).await?;
                let row = |ban: &Banned| {
                    let who = match &ban.subject {
                        BanSubject::Network(address) => address.to_string(),
                        BanSubject::User(name) => name.clone(),
                    };
                    vec![who, ban.failures.to_string(), format!("{}s", ban.seconds_left)]
                };
                let columns = ["SHUT OUT", "FAILURES", "STILL"];
                show::answer(common.form(), &all, &columns, |all| all.iter().map(row).collect())
            }
            Self::Add { network, minutes } => {
                let sentence = format!("{network} is shut out for {minutes} minutes");
                common.tell(bans::Add { network, seconds: minutes.saturating_mul(60) }, &sentence).await
            }
            Self::Lift { who } => {
                let sentence = format!("{who} is let in again");
                common.tell(bans::Lift { who }, &sentence).await
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Api {
    /// Print the description of the HTTP interface (OpenAPI 3.1).
    Openapi,
}

impl Api {
    pub(super) fn run(self) -> Result<(), String> {
        match self {
            Self::Openapi => show::json(&http::document()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say whether the configuration file can be used, and what is wrong with it.
    Check,
}

impl ConfigCommand {
    pub(super) fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Check => {
                let config = common.load()?;
                // Without [tls] there is nothing to read, and a check makes no files.
                if config.tls.is_some() {
                    tls::load(&config)
                        .map_err(|error| format!("{}: [tls] {error}", common.config.display()))?;
                }
                let sentence = format!(
                    "{}: fine; {} keeps its data in {}",
                    common.config.display(),
                    config.hostname,
                    config.data.display()
                );
                show::say(common.form(), &sentence)?;
                let exposed = sqlite::exposed(&config.data);
                exposed
                    .iter()
                    .try_for_each(|exposed| show::say(common.form(), &format!("warning: {exposed}")))
            }
        }
    }
}
