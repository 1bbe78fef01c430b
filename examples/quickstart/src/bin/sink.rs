//! A mail server in memory, for tests of mail programs: takes every message and shows it to anybody.
//!
//! Nothing is on disk, and nobody else on the network can reach it.

use std::io::Write;
use std::net::SocketAddr;

use posthaste_quickstart::sink::{Options, Sink};
use posthaste_quickstart::{Outcome, arguments};

const HELP: &str = "
usage: sink [--certificate FILE] [SMTP-ADDRESS POP3-ADDRESS IMAP-ADDRESS]

Without addresses, ports 2525, 1100 and 1430 of 127.0.0.1. With --certificate it offers STARTTLS, and writes the
certificate that clients are to trust: programs that log in want that.
";

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let mut options = Options { log: say, ..Options::default() };
    let addresses = match arguments.as_slice() {
        [option, file, addresses @ ..] if option == "--certificate" => {
            options.certificate = Some(file.into());
            addresses
        }
        addresses => addresses,
    };
    let address = |text: &String| text.parse().map_err(|error| format!("{text}: {error}"));
    let addresses: Vec<SocketAddr> = addresses.iter().map(address).collect::<Result<_, _>>()?;
    [options.smtp, options.pop3, options.imap] = match addresses.as_slice() {
        [] => [2525, 1100, 1430].map(|port| SocketAddr::from(([127, 0, 0, 1], port))),
        addresses => addresses.try_into().map_err(|_| HELP.trim())?,
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
