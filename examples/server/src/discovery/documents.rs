//! The documents that programs are set up with. None of them has a password in it, and none says whether there is such
//! a user: an address in one is the one that was asked for.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::{Endpoint, Offer, Protocol, Tls};
use crate::directory::Address;

/// What Thunderbird and others read: draft-ietf-mailmaint-autoconfig, version 1.1 of the format.
pub(super) fn autoconfig(offer: &Offer, domain: &str) -> String {
    let domain = escaped(domain);
    let mut text = format!(
        "{PROLOGUE}<clientConfig version=\"1.1\">\n  <emailProvider id=\"{domain}\">\n    <domain>{domain}</domain>\n    \
         <displayName>{domain}</displayName>\n    <displayShortName>{domain}</displayShortName>\n"
    );
    let servers = offer.incoming().map(|endpoint| ("incomingServer", endpoint));
    for (element, endpoint) in servers.chain(offer.outgoing().map(|endpoint| ("outgoingServer", endpoint))) {
        let kind = match endpoint.protocol {
            Protocol::Imap => "imap",
            Protocol::Pop3 => "pop3",
            Protocol::Submission => "smtp",
        };
        let socket = match endpoint.tls {
            Tls::Implicit => "SSL",
            Tls::StartTls => "STARTTLS",
        };
        let (host, port) = (escaped(&offer.host), endpoint.port);
        // "cleartext" is said of what is inside TLS.
        text.push_str(&format!(
            "    <{element} type=\"{kind}\">\n      <hostname>{host}</hostname>\n      <port>{port}</port>\n      \
             <socketType>{socket}</socketType>\n      <authentication>password-cleartext</authentication>\n      \
             <username>%EMAILADDRESS%</username>\n    </{element}>\n"
        ));
    }
    text.push_str("  </emailProvider>\n</clientConfig>\n");
    text
}

/// What Outlook reads, for this address.
pub(super) fn autodiscover(offer: &Offer, address: &Address) -> String {
    let mut protocols = String::new();
    // Outlook takes one of each kind.
    let mut told: Vec<Protocol> = Vec::new();
    for endpoint in &offer.endpoints {
        if told.contains(&endpoint.protocol) {
            continue;
        }
        told.push(endpoint.protocol);
        let (kind, more) = match endpoint.protocol {
            Protocol::Imap => ("IMAP", ""),
            Protocol::Pop3 => ("POP3", ""),
            Protocol::Submission => ("SMTP", "\n        <UsePOPAuth>on</UsePOPAuth>"),
        };
        let (ssl, encryption) = match endpoint.tls {
            Tls::Implicit => ("on", "SSL"),
            Tls::StartTls => ("off", "TLS"),
        };
        let (host, port) = (escaped(&offer.host), endpoint.port);
        let login = address.to_string();
        let login = escaped(&login);
        protocols.push_str(&format!(
            "      <Protocol>\n        <Type>{kind}</Type>\n        <Server>{host}</Server>\n        \
             <Port>{port}</Port>\n        <DomainRequired>off</DomainRequired>\n        \
             <LoginName>{login}</LoginName>\n        <SPA>off</SPA>\n        <SSL>{ssl}</SSL>\n        \
             <Encryption>{encryption}</Encryption>\n        <AuthRequired>on</AuthRequired>{more}\n      </Protocol>\n"
        ));
    }
    format!(
        "{PROLOGUE}<Autodiscover xmlns=\"{AUTODISCOVER}\">\n  <Response xmlns=\"{SETTINGS}\">\n    <Account>\n      \
         <AccountType>email</AccountType>\n      <Action>settings</Action>\n{protocols}    </Account>\n  </Response>\n\
         </Autodiscover>\n"
    )
}

/// What Outlook is told whose question cannot be understood; `time` is that of the day.
pub(super) fn autodiscover_invalid(time: &str) -> String {
    let time = escaped(time);
    format!(
        "{PROLOGUE}<Autodiscover xmlns=\"{AUTODISCOVER}\">\n  <Response>\n    <Error Time=\"{time}\" Id=\"0\">\n      \
         <ErrorCode>600</ErrorCode>\n      <Message>Invalid Request</Message>\n      <DebugData/>\n    </Error>\n  \
         </Response>\n</Autodiscover>\n"
    )
}

/// The address that Outlook asks for. Nothing else of its question matters, so nothing else is understood.
pub(super) fn asked_address(question: &str) -> Option<Address> {
    let (_, from) = question.split_once("EMailAddress>")?;
    let (address, _) = from.split_once('<')?;
    Address::parse(&unescaped(address.trim())).ok()
}

/// A configuration profile of Apple, for this address: unsigned, and the device asks for the password.
pub(super) fn apple_profile(offer: &Offer, address: &Address) -> Option<String> {
    let (incoming, outgoing) = (offer.incoming().next()?, offer.outgoing().next()?);
    let kind = match incoming.protocol {
        Protocol::Pop3 => "EmailTypePOP",
        Protocol::Imap | Protocol::Submission => "EmailTypeIMAP",
    };
    let address = address.to_string();
    let (profile, payload) = (uuid("profile", offer, &address), uuid("mail", offer, &address));
    let (address, host) = (escaped(&address), escaped(&offer.host));
    let server = |direction: &str, endpoint: &Endpoint| {
        // STARTTLS or not follows from the port; without TLS there is nothing.
        format!(
            "      <key>{direction}MailServerAuthentication</key><string>EmailAuthPassword</string>\n      \
             <key>{direction}MailServerHostName</key><string>{host}</string>\n      \
             <key>{direction}MailServerPortNumber</key><integer>{}</integer>\n      \
             <key>{direction}MailServerUseSSL</key><true/>\n      \
             <key>{direction}MailServerUsername</key><string>{address}</string>\n",
            endpoint.port
        )
    };
    let (incoming, outgoing) = (server("Incoming", incoming), server("Outgoing", outgoing));
    Some(format!(
        "{PROLOGUE}<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n  \
         <key>PayloadContent</key>\n  <array>\n    <dict>\n      \
         <key>PayloadType</key><string>com.apple.mail.managed</string>\n      \
         <key>PayloadVersion</key><integer>1</integer>\n      \
         <key>PayloadIdentifier</key><string>{host}.{payload}</string>\n      \
         <key>PayloadUUID</key><string>{payload}</string>\n      \
         <key>PayloadDisplayName</key><string>{address}</string>\n      \
         <key>EmailAccountDescription</key><string>{address}</string>\n      \
         <key>EmailAccountType</key><string>{kind}</string>\n      \
         <key>EmailAddress</key><string>{address}</string>\n{incoming}{outgoing}      \
         <key>OutgoingPasswordSameAsIncomingPassword</key><true/>\n    </dict>\n  </array>\n  \
         <key>PayloadType</key><string>Configuration</string>\n  <key>PayloadVersion</key><integer>1</integer>\n  \
         <key>PayloadIdentifier</key><string>{host}.{profile}</string>\n  \
         <key>PayloadUUID</key><string>{profile}</string>\n  \
         <key>PayloadDisplayName</key><string>{address}</string>\n</dict>\n</plist>\n"
    ))
}

/// The same name each time for the same thing, so that a profile that is installed again replaces itself (RFC 9562 5.8).
fn uuid(what: &str, offer: &Offer, address: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(format!("{what}\0{}\0{address}", offer.host)).into();
    let [high, low, ..] = hash.as_chunks::<8>().0 else { return String::new() };
    let high = (u64::from_be_bytes(*high) & !0xf000) | 0x8000;
    let low = (u64::from_be_bytes(*low) & !(0b11 << 62)) | (0b10 << 62);
    let (one, two, three) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
    format!("{one:08x}-{two:04x}-{three:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// Text as it stands in XML, between elements and in quotes.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match ENTITIES.iter().find(|(_, plain)| *plain == c) {
            Some((entity, _)) => escaped.push_str(entity),
            None => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The text that stands so in XML. `&amp;` comes last, so that nothing is made out of what it makes.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, plain) in ENTITIES.iter().rev() {
        text = text.replace(entity, plain.encode_utf8(&mut [0; 4]));
    }
    text
}

const ENTITIES: [(&str, char); 5] =
    [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];

const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

const AUTODISCOVER: &str = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";

const SETTINGS: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

#[cfg(test)]
mod tests {
    use super::super::tests::{ALL, config};
    use super::*;

    fn offer(listen: &str) -> Offer {
        Offer::of(&config(listen))
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    const SMALL: &str = "[listen]\nimaps = [\"[::]:993\"]\nsubmission = [\"[::]:587\"]\n";

    /// Every element ends, in the order in which they began; says which texts there are.
    fn texts(xml: &str) -> Vec<String> {
        let (mut open, mut texts) = (Vec::new(), Vec::new());
        for part in xml.split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("{part:?}"));
            assert!(!text.contains('>'), "{part:?}");
            for entity in text.split('&').skip(1) {
                let entity = format!("&{entity}");
                assert!(ENTITIES.iter().any(|(known, _)| entity.starts_with(known)), "{part:?}");
            }
            let name = tag.split(' ').next().unwrap();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if name.starts_with(['?', '!']) || tag.ends_with('/') => {}
                None => open.push(name),
            }
            if !text.trim().is_empty() {
                texts.push(text.to_owned());
            }
        }
        assert!(open.is_empty(), "{open:?}");
        texts
    }

    #[test]
    fn p29_autoconfig_is_the_document_that_thunderbird_reads() {
        let wanted = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
<clientConfig version=\"1.1\">
  <emailProvider id=\"x.test\">
    <domain>x.test</domain>
    <displayName>x.test</displayName>
    <displayShortName>x.test</displayShortName>
    <incomingServer type=\"imap\">
      <hostname>mail.x.test</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type=\"smtp\">
      <hostname>mail.x.test</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>
";
        assert_eq!(autoconfig(&offer(SMALL), "x.test"), wanted);
        let all = autoconfig(&offer(ALL), "x.test");
        let ports: Vec<String> = texts(&all).into_iter().filter(|text| text.parse::<u16>().is_ok()).collect();
        assert_eq!(ports, ["993", "143", "995", "110", "465", "587"]);
    }

    #[test]
    fn p29_autodiscover_is_the_document_that_outlook_reads() {
        let wanted = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">
  <Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>IMAP</Type>
        <Server>mail.x.test</Server>
        <Port>993</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>o&apos;neil&amp;co@x.test</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>mail.x.test</Server>
        <Port>587</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>o&apos;neil&amp;co@x.test</LoginName>
        <SPA>off</SPA>
        <SSL>off</SSL>
        <Encryption>TLS</Encryption>
        <AuthRequired>on</AuthRequired>
        <UsePOPAuth>on</UsePOPAuth>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
";
        assert_eq!(autodiscover(&offer(SMALL), &address("o'neil&co@x.test")), wanted);
        let all = texts(&autodiscover(&offer(ALL), &address("a@x.test")));
        let ports: Vec<&String> = all.iter().filter(|text| text.parse::<u16>().is_ok()).collect();
        assert_eq!(ports, ["993", "995", "465"]);
        let invalid = texts(&autodiscover_invalid("12:00:00"));
        assert_eq!(invalid, ["600", "Invalid Request"]);
    }

    #[test]
    fn p29_the_question_of_outlook_is_read_however_it_is_written() {
        let question = |address: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/\
                 autodiscover/outlook/requestschema/2006\"><Request><EMailAddress>{address}</EMailAddress>\
                 <AcceptableResponseSchema>x</AcceptableResponseSchema></Request></Autodiscover>"
            )
        };
        assert_eq!(asked_address(&question("\n Anna@X.test ")), Some(address("anna@x.test")));
        assert_eq!(asked_address(&question("o&apos;n&amp;lt@x.test")), Some(address("o'n&lt@x.test")));
        assert_eq!(asked_address("<a:EMailAddress>b@x.test</a:EMailAddress>"), Some(address("b@x.test")));
        for broken in ["", "EMailAddress>", "<EMailAddress>a@x.test", "<EMailAddress></EMailAddress>", "<x>"]
        {
            assert_eq!(asked_address(broken), None, "{broken}");
        }
        assert_eq!(asked_address(&question("no address")), None);
        assert_eq!(asked_address(&question("a@x.test\r\nb@x.test")), None);
    }

    #[test]
    fn p29_a_profile_is_the_same_each_time_and_has_no_password() {
        let offer = offer(ALL);
        let one = apple_profile(&offer, &address("a&b@x.test")).unwrap();
        assert_eq!(Some(&one), apple_profile(&offer, &address("a&b@x.test")).as_ref());
        let found = texts(&one);
        for wanted in ["EmailTypeIMAP", "a&amp;b@x.test", "mail.x.test", "993", "465", "EmailAuthPassword"] {
            assert!(found.iter().any(|text| text == wanted), "{wanted}: {one}");
        }
        assert!(!one.contains("<key>IncomingPassword</key>") && !one.contains("<key>OutgoingPassword</key>"));
        let uuids = |text: &str| -> Vec<String> {
            texts(text)
                .into_iter()
                .filter(|text| text.len() == 36 && text.matches('-').count() == 4)
                .collect()
        };
        let (own, other) = (uuids(&one), uuids(&apple_profile(&offer, &address("c@x.test")).unwrap()));
        assert_eq!((own.len(), other.len()), (2, 2));
        assert!(own[0] != own[1] && own.iter().all(|uuid| !other.contains(uuid)));
        let is_version_8 = |uuid: &String| {
            let parts: Vec<&str> = uuid.split('-').collect();
            parts[2].starts_with('8') && parts[3].starts_with(['8', '9', 'a', 'b'])
        };
        assert!(own.iter().all(is_version_8), "{own:?}");
        assert_eq!(apple_profile(&Offer { endpoints: Vec::new(), ..offer }, &address("a@x.test")), None);
    }

    #[test]
    fn p29_text_is_the_same_after_it_was_in_xml() {
        for text in ["", "plain", "<a b=\"c\">'&'</a>", "&amp;", "&amp;lt;", "\u{fc}&\u{2028}"] {
            assert_eq!(unescaped(&escaped(text)), text);
            assert!(!escaped(text).contains(['<', '>', '"', '\'']));
        }
    }
}
