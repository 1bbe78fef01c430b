//! Lets programs that know no TLS, such as old scanners and scripts, use a mail server that wants it: listens in the clear
//! on this machine, speaks TLS to the server.
//!
//! Sets up TLS by itself, by STARTTLS or STLS where the URL says so, and lets nothing through before the server has shown
//! a certificate for its name. From then on every octet passes as it is, in both directions: all that the two sides
//! agree on works, and nothing is read on the way. The greeting that came in the clear is not passed on, since anybody
//! may have written it.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use posthaste_imap::types::{Condition, Response, Status};
use posthaste_quickstart::account::trusted;
use posthaste_quickstart::{Outcome, Problem, arguments};
use posthaste_smtp::Reply;
use posthaste_tokio::tls::{ClientSettings, ClientTls};
use posthaste_tokio::{Accepted, Endpoint, Limits, Listener, Protocol, Role, Stream, TlsMode, codec, serve};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, lookup_host};
use tokio_util::codec::{Decoder, Framed};
use tokio_util::sync::CancellationToken;

const HELP: &str = "
usage: starttls_proxy LISTEN-ADDRESS URL

LISTEN-ADDRESS is of this machine, such as 127.0.0.1:2525. URL is such as submission://mail.example (STARTTLS) or
submissions://mail.example (TLS from the first octet); smtp, pop3, pop3s, imap and imaps are others. MAIL_CA may name a
file of certificates to trust in place of the public authorities.
";

/// How long it may take until the server is there with TLS.
const SETUP_MAX: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let [listen, url] = arguments.as_slice() else { return Err(HELP.trim().into()) };
    let server = Arc::new(Server::from_url(url)?);
    let addresses: Vec<_> = lookup_host(listen).await?.collect();
    if let Some(address) = addresses.iter().find(|address| !address.ip().is_loopback()) {
        return Err(
            format!("{address}: passwords would cross the network in the clear; take 127.0.0.1").into()
        );
    }
    let listener = Listener::bind(addresses.as_slice()).await?;
    for address in listener.local_addrs()? {
        writeln!(std::io::stdout(), "listening at {address} for {url}")?;
    }

    let end = CancellationToken::new();
    let serving = serve(listener, Limits::default(), end.clone(), move |accepted| {
        let server = Arc::clone(&server);
        async move {
            let peer = accepted.peer;
            if let Err(error) = relay(accepted, &server).await {
                eprintln!("connection of {peer} to {}: {error}", server.endpoint);
            }
        }
    });
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = &mut serving => {}
        interrupted = tokio::signal::ctrl_c() => {
            end.cancel();
            serving.await;
            interrupted?;
        }
    }
    Ok(())
}

/// One connection, from its beginning to its end.
async fn relay(accepted: Accepted, server: &Server) -> Outcome {
    let Accepted { mut stream, mut shutdown, .. } = accepted;
    let connected = match tokio::time::timeout(SETUP_MAX, server.connect()).await {
        Ok(connected) => connected,
        Err(_) => Err(format!("no TLS with the server after {SETUP_MAX:?}").into()),
    };
    let mut upstream = match connected {
        Ok(upstream) => upstream,
        Err(error) => {
            stream.write_all(server.farewell()).await?;
            stream.shutdown().await?;
            return Err(error);
        }
    };
    stream.write_all(server.greeting()).await?;
    tokio::select! {
        done = copy_bidirectional(&mut stream, &mut upstream) => {
            done?;
        }
        () = shutdown.requested() => {}
    }
    Ok(())
}

/// Where everything goes.
struct Server {
    endpoint: Endpoint,
    host: String,
    role: Role,
}

impl Server {
    fn from_url(url: &str) -> Result<Self, Problem> {
        let endpoint: Endpoint = url.parse()?;
        let (Some(host), false) = (endpoint.host(), endpoint.tls() == TlsMode::Plain) else {
            return Err(format!("{url}: no TLS is spoken there").into());
        };
        let host = host.to_owned();
        let settings = ClientSettings::new(endpoint.protocol().into());
        let settings = trusted()?.into_iter().fold(settings, ClientSettings::with_trust);
        let tls = ClientTls::new(settings.build()?, &host)?;
        Ok(Self { endpoint, host, role: Role::Client { tls: Some(tls) } })
    }

    /// A connection with TLS on it, and the server waiting for its client's first command.
    async fn connect(&self) -> Result<Stream, Problem> {
        let tcp = TcpStream::connect((self.host.as_str(), self.endpoint.port())).await?;
        let tcp = match (self.endpoint.tls(), self.endpoint.protocol()) {
            (TlsMode::Implicit, _) => tcp,
            (_, Protocol::Imap) => imap(tcp).await?,
            (_, Protocol::Pop3) => pop3(tcp).await?,
            _ => smtp(tcp).await?,
        };
        Ok(Stream::from(tcp).into_tls(&self.role).await?)
    }

    /// What the client is told first. With TLS from the first octet the server greets it itself.
    fn greeting(&self) -> &'static [u8] {
        match (self.endpoint.tls(), self.endpoint.protocol()) {
            (TlsMode::Implicit, _) => b"",
            (_, Protocol::Imap) => b"* OK Ready\r\n",
            (_, Protocol::Pop3) => b"+OK Ready\r\n",
            _ => b"220 localhost ESMTP ready\r\n",
        }
    }

    /// What it is told where there is no server.
    fn farewell(&self) -> &'static [u8] {
        match self.endpoint.protocol() {
            Protocol::Imap => b"* BYE [UNAVAILABLE] The server cannot be reached\r\n",
            Protocol::Pop3 => b"-ERR [SYS/TEMP] The server cannot be reached\r\n",
            _ => b"421 4.4.1 The server cannot be reached\r\n",
        }
    }
}

/// STARTTLS of SMTP (RFC 3207). That the client says EHLO again is what it has to do.
async fn smtp(tcp: TcpStream) -> Result<TcpStream, Problem> {
    let mut framed = Framed::new(tcp, codec::smtp::ClientCodec::default());
    let wanted = |reply: Reply, code| match reply.code() == code {
        true => Ok(()),
        false => Err(Problem::from(format!("the server has no STARTTLS: {reply}"))),
    };
    wanted(next(&mut framed).await?, 220)?;
    framed.send(posthaste_smtp::Command::Ehlo("localhost".parse()?)).await?;
    wanted(next(&mut framed).await?, 250)?;
    framed.send(posthaste_smtp::Command::StartTls).await?;
    wanted(next(&mut framed).await?, 220)?;
    nothing_behind(framed)
}

/// STLS of POP3 (RFC 2595 4).
async fn pop3(tcp: TcpStream) -> Result<TcpStream, Problem> {
    use codec::pop3::ClientFrame;
    let mut framed = Framed::new(tcp, codec::pop3::ClientCodec::default());
    let wanted = |frame| match frame {
        ClientFrame::Reply(reply) if reply.is_ok() => Ok(()),
        ClientFrame::Reply(no) => Err(format!("the server has no STLS: {}", no.text().escape_ascii()).into()),
        _ => Err(Problem::from("the server does not speak POP3")),
    };
    wanted(next(&mut framed).await?)?;
    framed.send(posthaste_pop3::Command::Stls).await?;
    wanted(next(&mut framed).await?)?;
    nothing_behind(framed)
}

/// STARTTLS of IMAP (RFC 9051 6.2.1).
async fn imap(tcp: TcpStream) -> Result<TcpStream, Problem> {
    let mut framed = Framed::new(tcp, codec::imap::ClientCodec::default());
    match next(&mut framed).await??.response {
        Response::Untagged(Status { condition: Condition::Ok, .. }) => {}
        // It says goodbye, or has logged somebody in before anybody knows who speaks: then there is no STARTTLS any more.
        _ => return Err("the server does not begin with OK".into()),
    }
    framed.send(bytes::Bytes::from_static(b"a STARTTLS\r\n")).await?;
    loop {
        match next(&mut framed).await??.response {
            Response::Tagged(_, Status { condition: Condition::Ok, .. }) => return nothing_behind(framed),
            Response::Tagged(_, Status { text, .. }) => {
                return Err(format!("the server has no STARTTLS: {}", text.escape_ascii()).into());
            }
            _ => {}
        }
    }
}

async fn next<C>(framed: &mut Framed<TcpStream, C>) -> Result<C::Item, Problem>
where
    C: Decoder,
    Problem: From<C::Error>,
{
    Ok(framed.next().await.ok_or("the server closed the connection")??)
}

/// The connection, if nothing came behind the server's yes. Whoever is in the path could have put it there, and it would
/// be taken for something the server said in private.
fn nothing_behind<C>(framed: Framed<TcpStream, C>) -> Result<TcpStream, Problem> {
    let parts = framed.into_parts();
    match parts.read_buf.is_empty() {
        true => Ok(parts.io),
        false => Err("something came in the clear behind the answer to STARTTLS".into()),
    }
}
