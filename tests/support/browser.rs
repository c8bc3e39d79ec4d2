//! A browser of the office, as far as forms and a cookie go.

use super::county::County;
use super::http::{Answer, Client};
use super::server::{PATIENCE, Server};

/// What everybody chooses.
pub(crate) const PASSWORD: &str = "the vine is pruned in autumn";

/// One browser: it keeps its cookie and follows nothing by itself.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        Self { client: server.client.clone(), cookie: String::new() }
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        form: Option<&str>,
    ) -> Answer {
        let mut headers = vec![("cookie", self.cookie.as_str()), ("accept-language", "en")];
        headers.extend_from_slice(more);
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        let answer = self.client.try_ask(method, path, &headers, form.map(str::as_bytes));
        let answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        if let Some(cookie) = answer.header("set-cookie").filter(|c| c.starts_with("yuanjiao=")) {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        answer
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    /// Sends a form; fields are written as `name=value`, spaces as `+`.
    pub(crate) fn post(&mut self, path: &str, fields: &str) -> Answer {
        self.send("POST", path, &[("sec-fetch-site", "same-origin")], Some(fields))
    }

    /// The token of the forms this browser is shown.
    pub(crate) fn token(&mut self) -> String {
        let page = self.get("/me").with(200, "one's own account").text();
        let rest = page.split("name=\"token\" value=\"").nth(1).expect("a token");
        rest.split('"').next().expect("its value").to_owned()
    }

    pub(crate) fn act(&mut self, path: &str, fields: &str) -> Answer {
        let token = self.token();
        self.post(path, &format!("token={token}&{fields}"))
    }

    /// Sends a file as the field `name` of a form.
    pub(crate) fn attach(&mut self, path: &str, name: &str, file: &[u8]) -> Answer {
        let token = self.token();
        let mut body = format!(
            "--part\r\ncontent-disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n--part\r\n\
             content-disposition: form-data; name=\"{name}\"; filename=\"a file\"\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--part--\r\n");
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("accept-language", "en"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "multipart/form-data; boundary=part"),
        ];
        self.client.try_ask("POST", path, &headers, Some(&body)).expect("an answer")
    }

    pub(crate) fn sign_in(&mut self, login: &str, password: &str) -> Answer {
        self.post("/sign-in", &format!("login={login}&password={}", plus(password)))
    }

    /// Invites somebody and returns the code.
    pub(crate) fn invites(&mut self, login: &str, role: &str, scope: &str) -> String {
        let fields = format!("name={login}&login={login}&role={role}&scope={scope}");
        let answer = self.act("/office/people", &fields).with(200, "an invitation");
        code_in(&answer.text())
    }
}

/// Serves a county and sets it up: its administrator's browser.
pub(crate) fn an_office(county: &County) -> (Server, Browser) {
    let server = Server::start(county);
    let said = server.logged(&["enter the code"], PATIENCE);
    let code = said["message"].as_str().and_then(|m| m.rsplit(' ').next()).expect("a code").to_owned();
    let mut admin = Browser::new(&server);
    admin.post("/setup", &format!("name=Aygul&login=aygul&{}", password_form(&code))).with(303, "set up");
    (server, admin)
}

/// Where an answer sends the browser.
pub(crate) fn to(answer: &Answer) -> String {
    answer.header("location").expect("sent on").to_owned()
}

pub(crate) fn plus(text: &str) -> String {
    text.replace(' ', "+")
}

pub(crate) fn code_in(page: &str) -> String {
    let rest = page.split("class=\"one-time\" dir=\"ltr\">").nth(1).expect("a code is shown");
    rest.split('<').next().expect("the code").to_owned()
}

pub(crate) fn password_form(code: &str) -> String {
    format!("code={code}&password={0}&again={0}", plus(PASSWORD))
}

/// Signs somebody up with a code.
pub(crate) fn join(server: &Server, code: &str) -> Browser {
    let mut browser = Browser::new(server);
    let answer = browser.post("/code", &password_form(code)).with(303, "a password is chosen");
    assert_eq!(answer.header("location"), Some("/office"));
    browser
}

/// The value of a hidden field in a page.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let rest = page
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap_or_else(|| panic!("no {name}: {page}"));
    let value = rest.split('"').next().expect("a value");
    [("&#34;", "\""), ("&quot;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(value.to_owned(), |text, (code, sign)| text.replace(code, sign))
}

/// A value as a form sends it.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
