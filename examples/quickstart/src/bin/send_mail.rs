//! Sends a message from a file or the standard input through a submission server, and says for each recipient what
//! became of it.

use posthaste_quickstart::account::Account;
use posthaste_quickstart::{Outcome, arguments, progress};
use posthaste_smtp::{Envelope, Recipient, ReversePath};
use posthaste_tokio::{Body, smtp};
use tokio::fs::File;

const HELP: &str = "
usage: send_mail URL FILE FROM TO...

URL is such as submissions://ursel@mail.example; the password is in MAIL_PASSWORD, or the first line of the standard
input. FILE is a message with CR LF line ends, of which nothing is changed; - is the standard input. MAIL_CA may name a
file of certificates to trust in place of the public authorities.
";

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let [url, file, from, to @ ..] = arguments.as_slice() else { return Err(HELP.trim().into()) };
    let from: ReversePath = path(from).parse().map_err(|error| format!("{from}: {error}"))?;
    let recipients = to.iter().map(|to| path(to).parse().map_err(|error| format!("{to}: {error}")));
    let recipients: Vec<Recipient> = recipients.collect::<Result<_, _>>()?;
    let names: Vec<String> = recipients.iter().map(|recipient| recipient.path.to_string()).collect();
    if names.is_empty() {
        return Err("nobody to send to".into());
    }

    // The password may be the first line of the standard input, and the message what follows.
    let account = Account::from_url(url, "MAIL_PASSWORD")?;
    let body = body(file).await?;
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
