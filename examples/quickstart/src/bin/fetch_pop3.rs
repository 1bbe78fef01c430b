//! Writes the messages of a POP3 mailbox to files and leaves them on the server.
//!
//! `fetch_pop3 mail.example ursel PASSWORD DIRECTORY`

use std::env::args;
use std::error::Error;
use std::path::PathBuf;

use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, pop3};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = args().skip(1);
    let mut next = || args.next().ok_or("usage: fetch_pop3 HOST USER PASSWORD DIRECTORY");
    let (host, user, password, directory) = (next()?, next()?, next()?, PathBuf::from(next()?));

    let credentials = Credentials::new(user, password.as_str());
    let options = ClientOptions::default().with_credentials(credentials);
    let mut client = pop3::Client::connect(&Endpoint::new(Protocol::Pop3, &host)?, &options).await?;

    for (number, octets) in client.list().await? {
        println!("message {number}: {octets} octets");
        let mut file = File::create(directory.join(format!("{number}.eml"))).await?;
        let mut message = client.retr(number).await?;
        while let Some(chunk) = message.next_chunk().await? {
            file.write_all(&chunk).await?;
        }
        file.sync_all().await?;
        // Only here, with the message on disk, could it be marked: client.dele(number).await?
    }
    client.quit().await?;
    Ok(())
}
