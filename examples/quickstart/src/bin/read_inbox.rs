//! Lists the inbox of an IMAP account, then waits for the next thing to happen in it.
//!
//! `read_inbox mail.example ursel PASSWORD`

use std::env::args;
use std::error::Error;

use posthaste_imap::types::{FetchAttribute, FetchItem, Mailbox, SequenceSet};
use posthaste_tokio::imap::{Client, Part};
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = args().skip(1);
    let mut next = || args.next().ok_or("usage: read_inbox HOST USER PASSWORD");
    let (host, user, password) = (next()?, next()?, next()?);

    let credentials = Credentials::new(user, password.as_str());
    let options = ClientOptions::default().with_credentials(credentials);
    let mut client = Client::connect(&Endpoint::new(Protocol::Imap, &host)?, &options).await?;

    let exists = client.examine(Mailbox::inbox()).await?.exists;
    println!("{exists} messages");
    if exists > 0 {
        let mut rows = client.fetch(SequenceSet::all(), FetchAttribute::ALL.to_vec())?;
        while let Some(part) = rows.next().await? {
            match part {
                Part::Row(number) => println!("{number}:"),
                Part::Item(FetchItem::Envelope(envelope)) => println!("  {:?}", envelope.subject),
                Part::Item(item) => println!("  {item:?}"),
                _ => {}
            }
        }
    }

    let mut idle = client.idle()?;
    println!("{:?}", idle.next().await?);
    idle.done().await?;
    client.logout().await?;
    Ok(())
}
