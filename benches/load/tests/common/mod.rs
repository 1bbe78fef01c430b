//! A mail server of a page that keeps its messages in memory and is honest, or wrong in one way: so that what the load
//! generator says of wrong servers can be tested.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of the fourth message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is kept.
    None,
    /// It is acknowledged and forgotten.
    Loses,
    /// It is kept twice.
    Doubles,
    /// One of its octets is another.
    Changes,
    /// It is kept, and its row is left out of what FETCH gives.
    HidesRow,
    /// It is kept, and its row comes twice.
    RepeatsRow,
    /// It is kept, and the connection ends within its row.
    CutsRow,
}

#[derive(Clone)]
pub struct Crooked {
    pub smtp: u16,
    pub imap: u16,
    fault: Fault,
    boxes: Arc<Mutex<Boxes>>,
}

#[derive(Default)]
struct Boxes {
    count: usize,
    messages: BTreeMap<String, Vec<Vec<u8>>>,
}

type Io = BufReader<TcpStream>;

impl Crooked {
    pub async fn start(fault: Fault) -> Self {
        let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let imap = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let server = Self { smtp: port(&smtp), imap: port(&imap), fault, boxes: Arc::default() };
        let (one, other) = (server.clone(), server.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = smtp.accept().await {
                tokio::spawn(one.clone().smtp(BufReader::new(stream)));
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = imap.accept().await {
                tokio::spawn(other.clone().imap(BufReader::new(stream)));
            }
        });
        server
    }

    /// Forgets one message of an account.
    pub fn forget(&self, account: &str) {
        self.boxes.lock().unwrap().messages.get_mut(account).unwrap().pop();
    }

    fn keep(&self, account: &str, mut message: Vec<u8>) {
        let mut boxes = self.boxes.lock().unwrap();
        boxes.count += 1;
        let fault = if boxes.count == 4 { self.fault } else { Fault::None };
        let kept = boxes.messages.entry(account.to_owned()).or_default();
        match fault {
            Fault::Loses => return,
            Fault::Doubles => kept.push(message.clone()),
            Fault::Changes => *message.last_chunk_mut::<5>().unwrap() = *b"?!?\r\n",
            Fault::None | Fault::HidesRow | Fault::RepeatsRow | Fault::CutsRow => {}
        }
        kept.push(message);
    }

    fn messages(&self, account: &str) -> Vec<Vec<u8>> {
        self.boxes.lock().unwrap().messages.get(account).cloned().unwrap_or_default()
    }

    async fn smtp(self, mut io: Io) -> Option<()> {
        say(&mut io, "220 crooked.test").await?;
        let mut to = Vec::new();
        loop {
            let line = line(&mut io).await?;
            match line.get(..4)? {
                "RCPT" => to.push(line.split(['<', '>']).nth(1)?.to_owned()),
                "DATA" => {
                    say(&mut io, "354 go on").await?;
                    let mut message = b"Received: from a client by crooked.test\r\n".to_vec();
                    loop {
                        let line = self::line(&mut io).await?;
                        if line == "." {
                            break;
                        }
                        message.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
                        message.extend_from_slice(b"\r\n");
                    }
                    to.drain(..).for_each(|account| self.keep(&account, message.clone()));
                }
                "QUIT" => return say(&mut io, "221 bye").await,
                _ => {}
            }
            say(&mut io, "250 yes").await?;
        }
    }

    async fn imap(self, mut io: Io) -> Option<()> {
        say(&mut io, "* OK [CAPABILITY IMAP4rev1] crooked.test").await?;
        let (mut account, mut tag) = (String::new(), String::new());
        loop {
            let line = line(&mut io).await?;
            let words: Vec<String> = line.split(' ').map(|word| word.trim_matches('"').to_owned()).collect();
            tag.clone_from(&words[0]);
            let messages = self.messages(&account);
            match words[1].as_str() {
                "LOGIN" => account = words[2].clone(),
                "SELECT" => {
                    say(&mut io, "* FLAGS (\\Seen)").await?;
                    say(&mut io, &format!("* {} EXISTS", messages.len())).await?;
                    say(&mut io, "* OK [UIDVALIDITY 1] valid").await?;
                    say(&mut io, &format!("* OK [UIDNEXT {}] next", messages.len() + 1)).await?;
                }
                "APPEND" => {
                    let octets = line.rsplit(['{', '}']).nth(1)?.parse().unwrap();
                    say(&mut io, "+ go on").await?;
                    let mut message = vec![0; octets];
                    io.read_exact(&mut message).await.ok()?;
                    self::line(&mut io).await?;
                    self.keep(&account, message);
                }
                "UID" | "FETCH" => {
                    for (number, message) in (1_usize..).zip(&messages) {
                        let set = &words[if words[1] == "UID" { 3 } else { 2 }];
                        if set.parse() != Ok(number) && set != "1:*" {
                            continue;
                        }
                        let row = if line.contains("HEADER.FIELDS") {
                            let text = String::from_utf8(message.clone()).unwrap();
                            let field = text.lines().find(|line| line.starts_with("Message-ID")).unwrap();
                            let field = format!("{field}\r\n\r\n");
                            format!(
                                "UID {number} BODY[HEADER.FIELDS (MESSAGE-ID)] {{{}}}\r\n{field}",
                                field.len()
                            )
                        } else if line.contains("BODY.PEEK[]") {
                            let text = String::from_utf8(message.clone()).unwrap();
                            format!("UID {number} BODY[] {{{}}}\r\n{text}", text.len())
                        } else {
                            format!("UID {number} FLAGS (\\Seen)")
                        };
                        if self.fault == Fault::CutsRow && number == 4 {
                            return io.write_all(b"* 4 FETCH (UID 4 FL").await.ok();
                        }
                        let times = match self.fault {
                            Fault::HidesRow if number == 4 => 0,
                            Fault::RepeatsRow if number == 4 => 2,
                            _ => 1,
                        };
                        for _ in 0..times {
                            say(&mut io, &format!("* {number} FETCH ({row})")).await?;
                        }
                    }
                }
                "LOGOUT" => say(&mut io, "* BYE bye").await?,
                _ => {}
            }
            say(&mut io, &format!("{tag} OK done")).await?;
            if words[1] == "LOGOUT" {
                return Some(());
            }
        }
    }
}

async fn line(io: &mut Io) -> Option<String> {
    let mut line = String::new();
    io.read_line(&mut line).await.ok().filter(|octets| *octets > 0)?;
    Some(line.trim_end_matches("\r\n").to_owned())
}

async fn say(io: &mut Io, line: &str) -> Option<()> {
    io.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}
