//! Four IMAP sessions, deliveries by LMTP and removals by POP3, at random and against a model that is nothing but lists:
//! what each session is told, and what a number means to it, follows from what it was told before (RFC 9051 5.5, 7.5.1).

use std::collections::{BTreeMap, BTreeSet};

use posthaste_server::store::{Check, Progress};

use crate::server::{Imap, World};

const BOXES: [&str; 2] = ["INBOX", "Archive"];
const FLAGS: [&str; 4] = ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered"];

/// xorshift64*: a run is its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % end
    }
}

#[derive(Debug, Clone, Default)]
struct Mail {
    subject: u32,
    flags: BTreeSet<&'static str>,
}

#[derive(Debug, Default)]
struct Mailbox {
    mails: BTreeMap<u32, Mail>,
    uidnext: u32,
}

impl Mailbox {
    fn add(&mut self, mail: Mail) -> u32 {
        self.uidnext += 1;
        self.mails.insert(self.uidnext, mail);
        self.uidnext
    }
}

/// A session, and what its client knows: the UIDs of the messages it counts.
struct Client {
    imap: Imap,
    mailbox: usize,
    view: Vec<u32>,
    /// The largest UID it has heard of.
    largest: u32,
}

struct Run {
    world: World,
    dice: Dice,
    boxes: [Mailbox; 2],
    clients: Vec<Client>,
    subjects: u32,
    log: Vec<String>,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let mut clients = Vec::new();
        for number in 0..4 {
            let imap = world.selected("alice", BOXES[number % 2]).await;
            clients.push(Client { imap, mailbox: number % 2, view: Vec::new(), largest: 0 });
        }
        let dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self {
            world,
            dice,
            boxes: Default::default(),
            clients,
            subjects: 0,
            log: vec![format!("seed {seed}")],
        }
    }

    fn mail(&mut self) -> (Mail, String) {
        self.subjects += 1;
        let mail = Mail { subject: self.subjects, flags: BTreeSet::new() };
        let text = format!("Subject: m{}\r\n\r\nbody\r\n", self.subjects);
        (mail, text)
    }

    /// Runs a command and takes note of what the client hears.
    async fn command(&mut self, at: usize, command: &str) -> String {
        self.log.push(format!("{at}: {command:?}, knows {:?}", self.clients[at].view));
        let client = &mut self.clients[at];
        let tag = client.imap.start(command).await;
        let answer = client.imap.finish(&tag).await;
        self.heard(at, &answer);
        answer
    }

    fn heard(&mut self, at: usize, answer: &str) {
        let client = &mut self.clients[at];
        for line in answer.lines() {
            let words: Vec<&str> = line.trim_end().splitn(4, ' ').collect();
            let ["*", number, kind, rest @ ..] = words.as_slice() else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            match *kind {
                "EXPUNGE" => drop(client.view.remove(number - 1)),
                "EXISTS" => {
                    // What the command itself adds may be told later than what was there before.
                    let new = self.boxes[client.mailbox].mails.keys().filter(|uid| **uid > client.largest);
                    let new: Vec<u32> = new.copied().take(number - client.view.len()).collect();
                    client.largest = new.last().copied().unwrap_or(client.largest);
                    client.view.extend(new);
                    assert_eq!(client.view.len(), number, "{answer}\n{:#?}", self.log);
                }
                "FETCH" => {
                    let uid = rest.first().and_then(|rest| rest.split("UID ").nth(1));
                    let Some(uid) = uid.and_then(|uid| uid.split([' ', ')']).next()) else { continue };
                    assert_eq!(uid, client.view[number - 1].to_string(), "{answer}\n{:#?}", self.log);
                }
                _ => {}
            }
        }
    }

    /// The client has heard of everything.
    fn check_all_told(&self, at: usize, answer: &str) {
        let client = &self.clients[at];
        let there: Vec<u32> = self.boxes[client.mailbox].mails.keys().copied().collect();
        assert_eq!(client.view, there, "{at}: {answer}\n{:#?}", self.log);
    }

    /// A number that the client may use, the UID it means by it, and whether that is there.
    fn pick(&mut self, at: usize) -> Option<(usize, u32, bool)> {
        let client = &self.clients[at];
        if client.view.is_empty() {
            return None;
        }
        let number = self.dice.below(client.view.len());
        let uid = client.view[number];
        Some((number + 1, uid, self.boxes[client.mailbox].mails.contains_key(&uid)))
    }

    fn assert(&self, holds: bool, answer: &str) {
        assert!(holds, "{answer}\n{:#?}", self.log);
    }

    async fn step(&mut self) {
        let at = self.dice.below(4);
        let here = self.clients[at].mailbox;
        match self.dice.below(16) {
            0 => {
                let answer = self.command(at, "NOOP").await;
                self.check_all_told(at, &answer);
            }
            1 => {
                let Some((number, uid, there)) = self.pick(at) else { return };
                let answer = self.command(at, &format!("FETCH {number} (UID BODY.PEEK[HEADER])")).await;
                let subject =
                    self.boxes[here].mails.get(&uid).map(|mail| format!("Subject: m{}\r\n", mail.subject));
                match subject {
                    Some(subject) => {
                        self.assert(answer.contains(&subject) && answer.contains("T OK"), &answer);
                    }
                    None => self.assert(answer.contains("T NO [EXPUNGEISSUED]"), &answer),
                }
                self.assert(!answer.contains(" EXPUNGE\r\n"), if there { &answer } else { "told too early" });
            }
            2 | 3 => self.store(at).await,
            4 | 5 => self.copy_or_move(at).await,
            6 => {
                let answer = self.command(at, "EXPUNGE").await;
                self.boxes[here].mails.retain(|_, mail| !mail.flags.contains("\\Deleted"));
                self.check_all_told(at, &answer);
            }
            7 | 8 => {
                let to = self.dice.below(2);
                let (mail, text) = self.mail();
                let uid = self.boxes[to].add(mail);
                let command = format!("APPEND {} {{{}+}}\r\n{text}", BOXES[to], text.len());
                let answer = self.command(at, &command).await;
                self.assert(
                    answer.contains("T OK [APPENDUID ") && answer.contains(&format!(" {uid}]")),
                    &answer,
                );
                self.check_all_told(at, &answer);
            }
            9 => {
                let answer = self.command(at, "SEARCH ALL").await;
                let view = &self.clients[at].view;
                let there =
                    view.iter().enumerate().filter(|(_, uid)| self.boxes[here].mails.contains_key(uid));
                let expected: String = there.map(|(place, _)| format!(" {}", place + 1)).collect();
                self.assert(answer.contains(&format!("* SEARCH{expected}\r\n")), &answer);
            }
            10 => {
                let Some((number, uid, _)) = self.pick(at) else { return };
                self.command(at, &format!("SEARCH RETURN (SAVE) {number}")).await;
                let there = self.boxes[here].mails.contains_key(&uid);
                let answer = self.command(at, "UID FETCH $ UID").await;
                let told = answer.contains(&format!(" FETCH (UID {uid})\r\n"));
                self.assert(told == there && answer.contains("T OK"), &answer);
                self.check_all_told(at, &answer);
            }
            11 => {
                let to = self.dice.below(2);
                self.log.push(format!("{at}: selects {}", BOXES[to]));
                let client = &mut self.clients[at];
                client.mailbox = to;
                let answer = client.imap.ok(&format!("SELECT {}", BOXES[to])).await;
                client.view = self.boxes[to].mails.keys().copied().collect();
                client.largest = client.view.last().copied().unwrap_or(0);
                let exists = format!("* {} EXISTS\r\n", client.view.len());
                self.assert(answer.contains(&exists), &answer);
            }
            12 => {
                let (mail, text) = self.mail();
                self.log.push(format!("LMTP: m{}", self.subjects));
                let mut lmtp = self.world.lmtp().await;
                lmtp.envelope("<out@side.test>", &["alice@x.test"]).await;
                lmtp.ask(&format!("{text}."), "250 ").await;
                let uid = self.boxes[0].add(mail);
                self.log.push(format!("LMTP: is {uid}"));
            }
            13 => self.pop3().await,
            14 => {
                let client = &mut self.clients[at];
                let tag = client.imap.idle().await;
                let answer = client.imap.done(&tag).await;
                self.log.push(format!("{at}: IDLE"));
                self.heard(at, &answer);
                self.check_all_told(at, &answer);
            }
            _ => self.together().await,
        }
    }

    async fn store(&mut self, at: usize) {
        let Some((number, uid, there)) = self.pick(at) else { return };
        let (flag, here) = (FLAGS[self.dice.below(4)], self.clients[at].mailbox);
        let sign = ["+", "-"][self.dice.below(2)];
        let by_uid = self.dice.below(2) == 0;
        let command = if by_uid {
            format!("UID STORE {uid} {sign}FLAGS ({flag})")
        } else {
            format!("STORE {number} {sign}FLAGS ({flag})")
        };
        if let Some(mail) = self.boxes[here].mails.get_mut(&uid) {
            if sign == "+" {
                mail.flags.insert(flag)
            } else {
                mail.flags.remove(flag)
            };
        }
        let answer = self.command(at, &command).await;
        let refused = answer.contains("T NO [EXPUNGEISSUED]");
        self.assert(refused == (!there && !by_uid), &answer);
        if by_uid {
            self.check_all_told(at, &answer);
        } else {
            self.assert(!answer.contains(" EXPUNGE\r\n"), &answer);
        }
    }

    async fn copy_or_move(&mut self, at: usize) {
        let Some((number, uid, there)) = self.pick(at) else { return };
        let (here, to) = (self.clients[at].mailbox, self.dice.below(2));
        let moves = self.dice.below(2) == 0;
        let command = if moves { "MOVE" } else { "COPY" };
        let mail = self.boxes[here].mails.get(&uid).cloned();
        let new = mail.map(|mail| self.boxes[to].add(mail));
        if moves {
            self.boxes[here].mails.remove(&uid);
        }
        let answer = self.command(at, &format!("{command} {number} {}", BOXES[to])).await;
        match new {
            Some(new) => {
                let copied = answer.contains("[COPYUID ") && answer.contains(&format!(" {uid} {new}]"));
                self.assert(there && copied && answer.contains("T OK"), &answer);
            }
            None => self.assert(answer.contains("T NO [EXPUNGEISSUED]"), &answer),
        }
        self.check_all_told(at, &answer);
    }

    async fn pop3(&mut self) {
        let (mut pop3, answer) = self.world.pop3("alice").await;
        if answer.starts_with("-ERR [IN-USE]") {
            // The session before is not quite over.
            return;
        }
        let stat = pop3.ask("STAT", "+OK").await;
        let there: Vec<u32> = self.boxes[0].mails.keys().copied().collect();
        self.assert(stat.starts_with(&format!("+OK {} ", there.len())), &stat);
        if !there.is_empty() {
            let place = self.dice.below(there.len());
            self.log.push(format!("POP3: removes {}", there[place]));
            pop3.ask(&format!("DELE {}", place + 1), "+OK").await;
            self.boxes[0].mails.remove(&there[place]);
        }
        pop3.ask("QUIT", "+OK").await;
    }

    /// Several at the same time, whose order does not matter but for the UIDs they give out.
    async fn together(&mut self) {
        let (first, one) = self.mail();
        let (second, two) = self.mail();
        self.log.push(format!("at once: m{} m{}", first.subject, second.subject));
        let mut lmtp = self.world.lmtp().await;
        lmtp.envelope("<out@side.test>", &["alice@x.test"]).await;
        let append = format!("APPEND INBOX {{{}+}}\r\n{one}", one.len());
        let message = format!("{two}.");
        let [a, b, c, d] = &mut self.clients[..] else { panic!("four") };
        let (_, by_a, by_b, by_c, by_d) = tokio::join!(
            lmtp.ask(&message, "250 "),
            a.imap.run(&append),
            b.imap.run("UID STORE 1:* +FLAGS.SILENT (\\Answered)"),
            c.imap.run("NOOP"),
            d.imap.run("UID FETCH 1:* (FLAGS)"),
        );
        for answer in [&by_a, &by_b, &by_c, &by_d] {
            self.assert(answer.contains("T OK"), answer);
        }
        // Which of the two came first, the store knows.
        let mut uids: BTreeMap<u32, Mail> = self.boxes[0].mails.clone();
        for (uid, subject) in self.stored(0).await {
            let mail = if subject == first.subject { &first } else { &second };
            uids.entry(uid).or_insert_with(|| mail.clone());
        }
        self.assert(uids.len() == self.boxes[0].mails.len() + 2, "both came");
        self.boxes[0] = Mailbox { mails: uids, uidnext: self.boxes[0].uidnext + 2 };
        // What was there when the flags were set is not known; now it is all of them.
        let watched = self.clients[1].mailbox;
        self.resync().await;
        self.command(1, "UID STORE 1:* +FLAGS.SILENT (\\Answered)").await;
        for mail in self.boxes[watched].mails.values_mut() {
            mail.flags.insert("\\Answered");
        }
    }

    /// All clients open their mailboxes anew.
    async fn resync(&mut self) {
        for client in &mut self.clients {
            client.imap.ok(&format!("SELECT {}", BOXES[client.mailbox])).await;
            client.view = self.boxes[client.mailbox].mails.keys().copied().collect();
            client.largest = client.view.last().copied().unwrap_or(0);
        }
    }

    /// UIDs and subjects as the store has them.
    async fn stored(&self, mailbox: usize) -> Vec<(u32, u32)> {
        let id = self.world.mailbox("alice", BOXES[mailbox]).await.id;
        let metas = self.world.running.store().snapshot(id).await.unwrap().messages;
        let contents = self.world.contents("alice", BOXES[mailbox]).await;
        let subject = |text: &String| {
            let subject = text.split("Subject: m").nth(1).unwrap();
            subject.split('\r').next().unwrap().parse().unwrap()
        };
        metas.iter().map(|meta| meta.uid).zip(contents.iter().map(subject)).collect()
    }

    /// Everybody hears of everything, and it is what there is.
    async fn quiesce(&mut self) {
        for at in 0..4 {
            let answer = self.command(at, "NOOP").await;
            self.check_all_told(at, &answer);
            let here = self.clients[at].mailbox;
            let answer = self.command(at, "UID FETCH 1:* (UID FLAGS)").await;
            for (uid, mail) in &self.boxes[here].mails {
                let row = answer.lines().find(|line| line.contains(&format!("(UID {uid} ")));
                let row = row.unwrap_or_else(|| panic!("{uid}: {answer}"));
                for flag in FLAGS {
                    self.assert(row.contains(flag) == mail.flags.contains(flag), row);
                }
            }
        }
        for (mailbox, name) in BOXES.into_iter().enumerate() {
            let expected: Vec<(u32, u32)> =
                self.boxes[mailbox].mails.iter().map(|(uid, mail)| (*uid, mail.subject)).collect();
            assert_eq!(self.stored(mailbox).await, expected, "{:#?}", self.log);
            let id = self.world.mailbox("alice", name).await.id;
            let status = self.world.running.store().status(id).await.unwrap();
            let unseen =
                self.boxes[mailbox].mails.values().filter(|mail| !mail.flags.contains("\\Seen")).count();
            assert_eq!(status.unseen as usize, unseen);
        }
    }
}

#[tokio::test]
async fn rel_23_what_sessions_do_at_random_is_what_a_model_of_lists_does() {
    for seed in 1..=6 {
        let mut run = Run::new(seed).await;
        for _ in 0..5 {
            for _ in 0..24 {
                run.step().await;
            }
            run.quiesce().await;
        }
        let findings = run.world.running.store().check(Check::Report, Progress::silent()).await.unwrap();
        assert_eq!(findings, []);
    }
}
