//! The commands `setup`, `serve`, `administrator`, `ban`, `certificate`, `api` and `config`.

use std::net::IpAddr;

use clap::{Args, Subcommand};

use super::{Common, Door, password, password::Source, show, text};
use crate::admin::certificates::{self, CertificateView};
use crate::admin::{Password, ProblemKind, accounts, administrators, bans, http};
use crate::config::{Config, Weakness};
use crate::directory::{Address, Ban as Banned, BanSubject};
use crate::store::Progress;
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
    let config = common.load()?;
    for weakness in weaknesses(&config) {
        tracing::warn!(line = weakness.line, "weak configuration: {weakness}");
    }
    listen::serve(config).await.map_err(text)
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
pub(super) enum Certificate {
    /// Show which there are, until when, and when they are renewed.
    List,
    /// Order one now, and wait for it.
    Renew,
}

impl Certificate {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let all = match self {
            Self::List => common.ask(certificates::List {}).await?,
            Self::Renew => common.ask(certificates::Renew {}).await?,
        };
        let row = |one: &CertificateView| {
            let renewal = match &one.renewal {
                None => String::new(),
                Some(renewal) if renewal.under_way => "now".to_owned(),
                Some(renewal) => renewal.next.map(show::moment).unwrap_or_default(),
            };
            let error = one.renewal.as_ref().and_then(|renewal| renewal.error.clone()).unwrap_or_default();
            let until = show::moment(one.expires);
            vec![one.hosts.join(" "), one.issuer.clone(), one.origin.clone(), until, renewal, error]
        };
        let columns = ["HOSTS", "ISSUER", "FROM", "UNTIL", "RENEWAL", "LAST ERROR"];
        show::answer(common.form(), &all, &columns, |all| all.iter().map(row).collect())
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
    /// Say whether the configuration file can be used, what is wrong with it, and what is weak.
    Check,
}

impl ConfigCommand {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Check => check(common).await,
        }
    }
}

async fn check(common: &Common) -> Result<(), String> {
    let config = common.load()?;
    let file = common.config.display();
    tls::check(&config).map_err(|error| format!("{file}: [tls] {error}"))?;
    let mut weak = weaknesses(&config);
    weak.extend(unknown_public_account(common, &config).await);
    weak.sort_by_key(|weakness| weakness.line);
    if common.json {
        return show::json(&weak);
    }
    for weakness in &weak {
        show::print(&format!("{file}:{}: weak: {weakness}\n", weakness.line))?;
    }
    let judgement = if weak.is_empty() { "fine" } else { "can be used" };
    let Config { hostname, data, .. } = &config;
    show::print(&format!("{file}: {judgement}; {hostname} keeps its data in {}\n", data.display()))
}

/// What is weak in a configuration, as its file is now.
fn weaknesses(config: &Config) -> Vec<Weakness> {
    std::fs::read_to_string(&config.file).map_or_else(|_| Vec::new(), |text| config.weaknesses(&text))
}

/// A public account that nobody has. It can be looked up where there are data already.
async fn unknown_public_account(common: &Common, config: &Config) -> Option<Weakness> {
    let address = Address::parse(config.public_account.as_ref()?).ok()?;
    if !config.data.join("posthaste.sqlite").exists() {
        return None;
    }
    let door = Door::open(config).await.ok()?;
    let found = door.call(accounts::Show { address: address.clone() }, Progress::silent()).await;
    if !found.is_err_and(|problem| problem.kind == ProblemKind::NotFound) {
        return None;
    }
    let text = std::fs::read_to_string(&common.config).unwrap_or_default();
    let is_it = |line: &str| line.trim_start().starts_with("public_account");
    Some(Weakness {
        line: text.lines().position(is_it).map_or(1, |line| line.saturating_add(1)),
        detail: format!("there is no account {address}, so nothing is shown as public"),
        remedy: format!("make it with `posthaste account add {address}`"),
    })
}
