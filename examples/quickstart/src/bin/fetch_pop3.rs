//! Writes the messages that are new in a POP3 mailbox to a directory, and leaves them on the server.
//!
//! What was had is in `DIRECTORY/.seen`, a unique-id a line. A message counts as had when its file is complete, on
//! disk and in its place: who is interrupted gets a message twice at worst, never half of one and never none.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use posthaste_pop3::Uidl;
use posthaste_quickstart::account::Account;
use posthaste_quickstart::{Outcome, Problem, arguments, progress};
use posthaste_tokio::pop3::{Client, Seen};
use tokio::fs::{self, File};
use tokio::io::{AsyncRead, AsyncWriteExt};

const HELP: &str = "
usage: fetch_pop3 URL DIRECTORY

URL is such as pop3s://ursel@mail.example; the password is in MAIL_PASSWORD, or the first line of the standard input.
MAIL_CA may name a file of certificates to trust in place of the public authorities.
";

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let [url, directory] = arguments.as_slice() else { return Err(HELP.trim().into()) };
    let directory = PathBuf::from(directory);
    let account = Account::from_url(url, "MAIL_PASSWORD")?;
    fs::create_dir_all(&directory).await.map_err(|error| format!("{}: {error}", directory.display()))?;
    let state = directory.join(".seen");
    let mut seen = read(&state).await.map_err(|error| format!("{}: {error}", state.display()))?;

    let mut client = Client::connect(&account.endpoint, &account.options).await?;
    let fetched = fetch(&mut client, &mut seen, &directory).await;
    // Also what came before a failure was had.
    let ids: String = seen.iter().map(|uidl| format!("{}\n", uidl.as_str())).collect();
    let written = replace(&state, &mut ids.as_bytes()).await;
    written.map_err(|error| format!("{}: {error}", state.display()))?;
    println!("{} new messages", fetched?);
    client.quit().await?;
    Ok(())
}

async fn fetch(client: &mut Client, seen: &mut Seen, directory: &Path) -> Result<usize, Problem> {
    // Message numbers begin anew in every session: the time keeps names apart. A unique-id is no file name.
    let session = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut new = client.fetch_new(seen).await?;
    let mut count = 0_usize;
    while let Some(mut message) = new.next().await? {
        let file = directory.join(format!("{session}-{}.eml", message.number()));
        let bar = progress::octets(message.octets(), format!("message {}", message.number()));
        let written = replace(&file, &mut bar.wrap_async_read(&mut message)).await;
        written.map_err(|error| format!("{}: {error}", file.display()))?;
        message.stored()?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Writes a file under another name, and gives it its own when all of it is on disk.
async fn replace(path: &Path, content: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let partial = path.with_extension("part");
    let mut file = File::create(&partial).await?;
    tokio::io::copy(content, &mut file).await?;
    file.flush().await?;
    file.sync_all().await?;
    fs::rename(&partial, path).await?;
    // The new name is on disk when the directory is. Not every system can say so of one.
    #[cfg(unix)]
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        File::open(directory).await?.sync_all().await?;
    }
    Ok(())
}

/// What was had before; nothing, the first time.
async fn read(state: &Path) -> io::Result<Seen> {
    let text = match fs::read_to_string(state).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Seen::new()),
        text => text?,
    };
    text.lines().map(|line| Uidl::new(line).map_err(io::Error::other)).collect()
}
