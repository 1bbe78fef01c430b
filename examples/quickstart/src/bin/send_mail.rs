//! Sends a message read from standard input through a submission server with implicit TLS.
//!
//! `cat message.eml | send_mail mail.example ursel PASSWORD '<ursel@mail.example>' '<hans@mail.example>'...`
//!
//! The message has to have CR LF line ends: nothing here changes what is sent.

use std::env::args;
use std::error::Error;

use posthaste_smtp::Envelope;
use posthaste_tokio::{Body, ClientOptions, Credentials, Endpoint, Protocol, smtp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = args().skip(1);
    let mut next = || args.next().ok_or("usage: send_mail HOST USER PASSWORD <FROM> <TO>...");
    let (host, user, password, from) = (next()?, next()?, next()?, next()?);
    let recipients = args.map(|to| to.parse()).collect::<Result<Vec<_>, _>>()?;

    let credentials = Credentials::new(user, password.as_str());
    let options = ClientOptions::default().with_credentials(credentials);
    let mut client =
        smtp::Client::connect(&Endpoint::new(Protocol::Submission, &host)?, "localhost".parse()?, &options)
            .await?;

    let envelope = Envelope::new(from.parse()?, recipients);
    let report = client.send(envelope, Body::from_reader(tokio::io::stdin())).await?;
    for (number, recipient) in (1..).zip(&report.recipients) {
        match recipient {
            Ok(reply) => println!("recipient {number}: accepted, {reply}"),
            Err(refusal) => println!("recipient {number}: refused, {refusal}"),
        }
    }
    client.quit().await?;
    if report.is_complete() { Ok(()) } else { Err("not everybody gets the message".into()) }
}
