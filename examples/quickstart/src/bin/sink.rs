//! A mail server in memory, for tests of mail programs: takes every message and shows it to anybody.
//!
//! `sink [--certificate FILE] [SMTP-ADDRESS POP3-ADDRESS IMAP-ADDRESS]`
//!
//! Without addresses, ports 2525, 1100 and 1430 of 127.0.0.1. With `--certificate` it offers STARTTLS, and writes the
//! certificate that clients are to trust. Nothing is on disk, and nobody else on the network can reach it.

use std::env::args;
use std::io::Write;
use std::net::SocketAddr;

use posthaste_quickstart::Outcome;
use posthaste_quickstart::sink::{Options, Sink};

#[tokio::main]
async fn main() -> Outcome {
    let mut options = Options { log: say, ..Options::default() };
    let mut addresses: Vec<SocketAddr> = Vec::new();
    let mut args = args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--certificate" {
            options.certificate = Some(args.next().ok_or(USAGE)?.into());
        } else {
            addresses.push(arg.parse().map_err(|error| format!("{arg}: {error}\n{USAGE}"))?);
        }
    }
    [options.smtp, options.pop3, options.imap] = match addresses.as_slice() {
        [] => [2525, 1100, 1430].map(|port| SocketAddr::from(([127, 0, 0, 1], port))),
        addresses => addresses.try_into().map_err(|_| USAGE)?,
    };

    let sink = Sink::start(&options).await?;
    say(&format!("SMTP at {}, POP3 at {}, IMAP at {}", sink.smtp, sink.pop3, sink.imap));
    tokio::signal::ctrl_c().await?;
    sink.stop().await;
    Ok(())
}

/// Whoever reads may have gone away: that is no reason to stop.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

const USAGE: &str = "usage: sink [--certificate FILE] [SMTP-ADDRESS POP3-ADDRESS IMAP-ADDRESS]";
