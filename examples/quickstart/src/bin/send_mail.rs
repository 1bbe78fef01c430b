//! Sends a message from a file through a submission server, and says for each recipient what became of it.
//!
//! `MAIL_PASSWORD=... send_mail submissions://ursel@mail.example message.eml ursel@mail.example hans@mail.example...`
//!
//! The message has to have CR LF line ends: nothing here changes what is sent. `-` is the standard input.

use std::env::args;

use posthaste_quickstart::account::Account;
use posthaste_quickstart::{Outcome, progress};
use posthaste_smtp::{Envelope, ForwardPath, ReversePath};
use posthaste_tokio::{Body, smtp};
use tokio::fs::File;

#[tokio::main]
async fn main() -> Outcome {
    let mut args = args().skip(1);
    let mut next = || args.next().ok_or("usage: send_mail URL FILE FROM TO...");
    let (url, file, from) = (next()?, next()?, next()?);
    let from: ReversePath = path(&from).parse().map_err(|error| format!("{from}: {error}"))?;
    let recipients = args.map(|to| path(&to).parse().map_err(|error| format!("{to}: {error}")));
    let recipients: Vec<ForwardPath> = recipients.collect::<Result<_, _>>()?;
    let names: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        return Err("nobody to send to".into());
    }

    // The password may be the first line of the standard input, and the message what follows.
    let account = Account::from_url(&url, "MAIL_PASSWORD")?;
    let body = body(&file).await?;
    let name = "localhost".parse()?;
    let mut client = smtp::Client::connect(&account.endpoint, name, &account.options).await?;
    let report = client.send(Envelope::new(from, recipients), body).await?;
    for (name, fate) in names.iter().zip(&report.recipients) {
        match fate {
            Ok(reply) => println!("{name}: accepted, {reply}"),
            Err(refusal) => println!("{name}: refused, {refusal}"),
        }
    }
    client.quit().await?;
    if report.is_complete() { Ok(()) } else { Err("not everybody gets the message".into()) }
}

/// The message, whose way is shown while it is sent. A file's size is told to the server, which may refuse it before.
async fn body(file: &str) -> Result<Body, String> {
    if file == "-" {
        let bar = progress::octets(None, "sending");
        return Ok(Body::from_reader(bar.wrap_async_read(tokio::io::stdin())));
    }
    let open = async {
        let file = File::open(file).await?;
        let size = file.metadata().await?.len();
        std::io::Result::Ok((file, size))
    };
    let (reader, size) = open.await.map_err(|error| format!("{file}: {error}"))?;
    let bar = progress::octets(Some(size), "sending");
    Ok(Body::from_reader(bar.wrap_async_read(reader)).with_size(size))
}

/// An address as SMTP writes it, in angle brackets.
fn path(address: &str) -> String {
    if address.starts_with('<') { address.to_owned() } else { format!("<{address}>") }
}
