//! Lists the inbox of an IMAP account, then waits for the next thing to happen in it.
//!
//! `read_inbox mail.example ursel PASSWORD`

use std::env::args;
use std::error::Error;

use posthaste_imap::types::{FetchAttribute, Mailbox, SequenceSet};
use posthaste_tokio::imap::Client;
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = args().skip(1);
    let mut next = || args.next().ok_or("usage: read_inbox HOST USER PASSWORD");
    let (host, user, password) = (next()?, next()?, next()?);

    let credentials = Credentials::new(user, password.as_str());
    let options = ClientOptions::default().with_credentials(credentials);
    let client = Client::connect(&Endpoint::new(Protocol::Imap, &host)?, &options).await?;

    let exists = client.examine(Mailbox::inbox()).await?.exists;
    println!("{exists} messages");
    if exists > 0 {
        let mut rows = client.fetch(SequenceSet::all(), FetchAttribute::ALL).await?;
        while let Some(row) = rows.next().await? {
            let subject = row.envelope().and_then(|envelope| envelope.subject.as_ref());
            println!("{:?}: {subject:?} {:?}", row.number(), row.flags());
        }
    }

    println!("{:?}", client.idle().next().await?);
    client.logout().await?;
    Ok(())
}
