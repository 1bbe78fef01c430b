//! The command line. Exit status: 0 all was well; 1 something is wrong, and the table says what; 2 the command line is;
//! 3 the server does not offer what the workload needs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use clap::{Args, Parser, Subcommand};
use posthaste_tokio::Protocol;
use serde_json::{Value, json};

use crate::audit::{self, Ledger};
use crate::content::Size;
use crate::deliver::{self, Delivery};
use crate::fill::{self, Filling};
use crate::mailbox::{self, Filled, Job};
use crate::report::Report;
use crate::target::{Accounts, Target, Tls, read_certificate};
use crate::workload::{Limit, Measured, Plan};
use crate::{LoadError, append, idle, latency, login, mix, pop3};

/// The program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("posthaste-load: {error}");
            match error {
                LoadError::NotOffered(_) => ExitCode::from(3),
                LoadError::Usage(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Load on a mail server that checks what comes back.
///
/// The password of the accounts is that of the environment variable POSTHASTE_LOAD_PASSWORD.
#[derive(Debug, Parser)]
#[command(name = "posthaste-load", version)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// Where the server is.
    #[arg(long, default_value = "127.0.0.1", global = true)]
    host: String,
    /// The port of the protocol that is under load.
    #[arg(long, default_value_t = 0, global = true)]
    port: u16,
    /// How that port is protected.
    #[arg(long, value_enum, default_value_t = Tls::None, global = true)]
    tls: Tls,
    /// The certificate of the server, in PEM. Without it public authorities are trusted.
    #[arg(long, value_name = "FILE", global = true)]
    certificate: Option<PathBuf>,
    /// The names of the accounts.
    #[arg(long, default_value = "user{n}@example.test", global = true)]
    users: String,
    /// The number of the first account.
    #[arg(long, default_value_t = 1, global = true)]
    first_user: u64,
    /// How many accounts there are.
    #[arg(long, default_value_t = 10, global = true)]
    accounts: u64,
    /// How many sessions at once.
    #[arg(long, default_value_t = 1, global = true)]
    sessions: u64,
    /// How long it goes on.
    #[arg(long, conflicts_with = "count", global = true)]
    seconds: Option<u64>,
    /// How many turns there are: messages, logins, commands, rounds of imap-mix, POP3 sessions. 100 without either.
    #[arg(long, global = true)]
    count: Option<u64>,
    /// What messages are made from, in hexadecimal; another every time where it is not given, and 1 for fill.
    #[arg(long, value_parser = |text: &str| u64::from_str_radix(text, 16), global = true)]
    seed: Option<u64>,
    /// Writes the figures there as JSON; `-` is standard output, in place of the table.
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
    /// The processes of the server, whose children and process groups count too.
    #[arg(long, value_name = "PID", value_delimiter = ',', global = true)]
    pid: Vec<u32>,
    /// Threads of the load generator.
    #[arg(long, default_value_t = 1, global = true)]
    threads: usize,
    /// The port of IMAP, where the mailboxes are read and compared, when it is not the one under load.
    #[arg(long, global = true)]
    imap_port: Option<u16>,
    /// How the port of IMAP is protected.
    #[arg(long, value_enum, default_value_t = Tls::None, global = true)]
    imap_tls: Tls,
    /// How many messages of each account are compared octet for octet.
    #[arg(long, default_value_t = 10, global = true)]
    sample: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Delivery by SMTP, as another server.
    Smtp(DeliveryOptions),
    /// Delivery by SMTP, as the first account, which logs in.
    Submission(DeliveryOptions),
    /// Delivery by LMTP.
    Lmtp(DeliveryOptions),
    /// Connection, LOGIN, SELECT.
    ImapLogin,
    /// 18 commands of a mail program's day.
    ImapMix,
    /// APPEND into INBOX.
    ImapAppend {
        /// Octets of a message; 0 for sizes as in a mailbox.
        #[arg(long, default_value_t = 4096)]
        size: u64,
    },
    /// SELECT of a mailbox.
    ImapSelect(MailboxOptions),
    /// FETCH 1:* of a mailbox.
    ImapFetch {
        #[command(flatten)]
        mailbox: MailboxOptions,
        /// The items.
        #[arg(long, default_value = "FLAGS")]
        items: String,
        /// UID FETCH.
        #[arg(long)]
        by_uid: bool,
    },
    /// SEARCH in a mailbox.
    ImapSearch {
        #[command(flatten)]
        mailbox: MailboxOptions,
        /// The keys. Known are `SUBJECT needlework` and `BODY strawberry`.
        #[arg(long, default_value = "SUBJECT needlework")]
        keys: String,
    },
    /// SORT of a mailbox.
    ImapSort {
        #[command(flatten)]
        mailbox: MailboxOptions,
        /// The criteria. Known is `DATE`.
        #[arg(long, default_value = "DATE")]
        criteria: String,
    },
    /// THREAD of a mailbox.
    ImapThread {
        #[command(flatten)]
        mailbox: MailboxOptions,
        /// The algorithm.
        #[arg(long, default_value = "REFERENCES")]
        algorithm: String,
    },
    /// STORE 1:* in a mailbox.
    ImapStore {
        #[command(flatten)]
        mailbox: MailboxOptions,
        /// The flag.
        #[arg(long, default_value = "\\Flagged")]
        flag: String,
    },
    /// Many sessions in IDLE; --count deliveries, of which they hear.
    ImapIdle(DeliverTo),
    /// POP3 downloads.
    Pop3 {
        /// How many messages a session downloads at most.
        #[arg(long, default_value_t = 50)]
        messages: usize,
    },
    /// From delivery until an idling session has fetched the message. --port is that of delivery.
    Latency {
        /// How it is delivered.
        #[arg(long, value_enum, default_value_t = By::Smtp)]
        by: By,
    },
    /// Makes mailboxes by APPEND.
    Fill {
        /// The mailbox.
        #[arg(long, default_value = "INBOX")]
        mailbox: String,
        /// How many messages each account gets.
        #[arg(long, default_value_t = 1000)]
        messages: u64,
        /// Octets of a message; 0 for sizes as in a mailbox.
        #[arg(long, default_value_t = 0)]
        size: u64,
    },
    /// Compares all mailboxes with a ledger of acknowledged deliveries.
    Verify {
        /// The ledger.
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
    },
}

#[derive(Debug, Args)]
struct DeliveryOptions {
    /// Octets of a message; 0 for sizes as in a mailbox.
    #[arg(long, default_value_t = 2048)]
    size: u64,
    /// Recipients of a message.
    #[arg(long, default_value_t = 1)]
    recipients: u64,
    /// Messages of a connection; 0 for no end.
    #[arg(long, default_value_t = 0)]
    per_connection: u64,
    /// Seconds that a front server has to hand on what it has acknowledged.
    #[arg(long, default_value_t = 0)]
    patience: u64,
    /// Adds each acknowledged delivery to this file.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct MailboxOptions {
    /// The mailbox.
    #[arg(long, default_value = "INBOX")]
    mailbox: String,
    /// How many messages fill put there, with --seed; compared where it is given.
    #[arg(long)]
    filled: Option<u64>,
    /// With which size.
    #[arg(long, default_value_t = 0)]
    size: u64,
}

#[derive(Debug, Args)]
struct DeliverTo {
    /// The port where messages are delivered.
    #[arg(long)]
    deliver_port: Option<u16>,
    /// How they are delivered, without TLS.
    #[arg(long, value_enum, default_value_t = By::Lmtp)]
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum By {
    Smtp,
    Lmtp,
}

impl From<By> for Protocol {
    fn from(by: By) -> Self {
        match by {
            By::Smtp => Self::Smtp,
            By::Lmtp => Self::Lmtp,
        }
    }
}

/// Whether all was well.
fn execute(arguments: &Arguments) -> Result<bool, LoadError> {
    let mut runtime = match arguments.common.threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
    };
    let runtime = runtime.enable_all().build().map_err(LoadError::connection)?;
    match runtime.block_on(Box::pin(run(arguments))) {
        Ok(report) => {
            arguments.common.show(&report.json(), &report.table())?;
            Ok(report.is_well())
        }
        Err(error) => {
            if let LoadError::NotOffered(what) = &error {
                arguments.common.show(&json!({ "not_offered": what }), &format!("not offered: {what}\n"))?;
            }
            Err(error)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<Report, LoadError> {
    let common = &arguments.common;
    let (plan, target) = (common.plan(), common.target()?);
    let mailboxes = common.imap_port.map(|port| target.at(port, common.imap_tls));
    let deliver = |protocol, options: &DeliveryOptions| Delivery {
        target: target.clone(),
        protocol,
        mailboxes: mailboxes.clone(),
        seed: common.seed(),
        size: size(options.size),
        recipients: options.recipients.max(1),
        per_connection: options.per_connection,
        sample: common.sample,
        patience: Duration::from_secs(options.patience),
    };
    let plain = |protocol, target| Delivery {
        target,
        protocol,
        mailboxes: None,
        seed: common.seed(),
        size: Size::Fixed(2048),
        recipients: 1,
        per_connection: 0,
        sample: 0,
        patience: Duration::ZERO,
    };
    match &arguments.command {
        Command::Smtp(options) | Command::Submission(options) | Command::Lmtp(options) => {
            let protocol = match &arguments.command {
                Command::Submission(_) => Protocol::Submission,
                Command::Lmtp(_) => Protocol::Lmtp,
                _ => Protocol::Smtp,
            };
            let ledger = options.ledger.as_deref().map(Ledger::open).transpose()?.map(Arc::new);
            deliver::run(&plan, deliver(protocol, options), ledger).await
        }
        Command::ImapLogin => login::run(&plan, &target).await,
        Command::ImapMix => mix::run(&plan, &target, common.seed()).await,
        Command::ImapAppend { size: octets } => {
            append::run(&plan, &target, common.seed(), size(*octets), common.sample).await
        }
        Command::ImapSelect(options) => common.mailbox(&plan, &target, options, &Job::Select).await,
        Command::ImapFetch { mailbox, items, by_uid } => {
            let job = Job::Fetch { items: items.clone(), by_uid: *by_uid };
            common.mailbox(&plan, &target, mailbox, &job).await
        }
        Command::ImapSearch { mailbox, keys } => {
            common.mailbox(&plan, &target, mailbox, &Job::Search(keys.clone())).await
        }
        Command::ImapSort { mailbox, criteria } => {
            common.mailbox(&plan, &target, mailbox, &Job::Sort(criteria.clone())).await
        }
        Command::ImapThread { mailbox, algorithm } => {
            common.mailbox(&plan, &target, mailbox, &Job::Thread(algorithm.clone())).await
        }
        Command::ImapStore { mailbox, flag } => {
            common.mailbox(&plan, &target, mailbox, &Job::Store(flag.clone())).await
        }
        Command::ImapIdle(to) => {
            let delivery = to.deliver_port.map(|port| plain(to.by.into(), target.at(port, Tls::None)));
            Box::pin(idle::run(&plan, &target, delivery)).await
        }
        Command::Pop3 { messages } => pop3::run(&plan, &target, *messages).await,
        Command::Latency { by } => {
            let mailboxes = mailboxes.ok_or_else(|| LoadError::Usage("--imap-port is missing".to_owned()))?;
            latency::run(&plan, &mailboxes, plain((*by).into(), target.clone())).await
        }
        Command::Fill { mailbox, messages, size: octets } => {
            let seed = common.seed.unwrap_or(FILL_SEED);
            let filling =
                Filling { mailbox: mailbox.clone(), messages: *messages, seed, size: size(*octets) };
            fill::run(&plan, &target, &filling).await
        }
        Command::Verify { ledger } => {
            let acknowledged = Ledger::read(ledger)?;
            let begun = Instant::now();
            let audit = audit::audit(&target, &acknowledged, common.sample, Duration::ZERO).await?;
            let measured = Measured { elapsed: begun.elapsed(), ..Measured::default() };
            let mut report = Report::new("verify", &plan, 0, measured);
            deliver::add(&mut report, &audit);
            Ok(report)
        }
    }
}

impl Common {
    fn plan(&self) -> Plan {
        let limit = match self.seconds {
            Some(seconds) => Limit::Time(Duration::from_secs(seconds)),
            None => Limit::Count(self.count.unwrap_or(100)),
        };
        Plan { sessions: self.sessions, limit, pids: self.pid.clone(), progress: true }
    }

    fn target(&self) -> Result<Target, LoadError> {
        if self.port == 0 {
            return Err(LoadError::Usage("--port is missing".to_owned()));
        }
        let trust = self.certificate.as_deref().map(read_certificate).transpose()?.unwrap_or_default();
        let accounts = Accounts {
            pattern: self.users.clone(),
            first: self.first_user,
            count: self.accounts.max(1),
            password: std::env::var(PASSWORD).unwrap_or_default(),
        };
        Ok(Target { host: self.host.clone(), port: self.port, tls: self.tls, trust, accounts })
    }

    /// The seed: different for each run, so that messages of earlier ones are not taken for those of this one.
    fn seed(&self) -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.seed.unwrap_or_else(|| u64::try_from(now.as_micros()).unwrap_or(0))
    }

    async fn mailbox(
        &self,
        plan: &Plan,
        target: &Target,
        options: &MailboxOptions,
        job: &Job,
    ) -> Result<Report, LoadError> {
        let seed = self.seed.unwrap_or(FILL_SEED);
        let filled = options.filled.map(|count| Filled { seed, count, size: size(options.size) });
        mailbox::run(plan, target, &options.mailbox, job, filled).await
    }

    fn show(&self, figures: &Value, table: &str) -> Result<(), LoadError> {
        match &self.json {
            Some(path) if path.as_os_str() == "-" => println!("{figures}"),
            Some(path) => {
                let written = std::fs::write(path, format!("{figures}\n"));
                written.map_err(|error| LoadError::File(format!("{}: {error}", path.display())))?;
                print!("{table}");
            }
            None => print!("{table}"),
        }
        Ok(())
    }
}

const fn size(octets: u64) -> Size {
    if octets == 0 { Size::Mixed } else { Size::Fixed(octets) }
}

const PASSWORD: &str = "POSTHASTE_LOAD_PASSWORD";

/// So that a mailbox that is filled on two servers is the same on both.
const FILL_SEED: u64 = 1;
