//! The API as another system uses it: pages of lists, tokens and what they are
//! good for, writes that are done once, and answers as the document says them.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use serde_json::{Value, json};
use support::browser::{Browser, an_office};
use support::county::a_county;
use support::http::{Answer, Client};
use support::server::Server;

/// A token good for `scopes`, given in the office.
fn token(admin: &mut Browser, name: &str, scopes: &[&str]) -> String {
    let scopes: String = scopes.iter().map(|s| format!("&scope={s}")).collect();
    let page = admin.act("/office/api", &format!("name={name}&days=30{scopes}")).with(200, "a token").text();
    let rest = page.split("class=\"secret\" dir=\"ltr\">").nth(1).expect("it is shown");
    rest.split('<').next().expect("its end").to_owned()
}

/// A system that holds a token.
struct System<'a> {
    client: &'a Client,
    bearer: String,
}

impl<'a> System<'a> {
    fn new(server: &'a Server, token: &str) -> Self {
        Self { client: &server.client, bearer: format!("Bearer {token}") }
    }

    fn ask(&self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let mut headers = vec![("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        headers.extend(key.map(|k| ("idempotency-key", k)));
        let body = body.map(|b| b.to_string().into_bytes());
        let path = format!("/api/v1/{path}");
        self.client.try_ask(method, &path, &headers, body.as_deref()).expect("answered")
    }
}

#[test]
fn a_token_is_good_for_what_it_was_given_for_until_it_is_withdrawn() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    admin.act("/office/api", "name=x&days=30").with(422, "good for nothing");
    admin.act("/office/api", "name=x&days=4000&scope=audit:read").with(422, "for ever");
    let shown = token(&mut admin, "exams", &["sites:write", "terminals:write"]);
    let exams = System::new(&server, &shown);

    let nobody = server.client.try_ask("GET", "/api/v1/terminals", &[], None).expect("answered");
    assert!(nobody.header("www-authenticate").is_some_and(|h| h.contains("terminals:read")));
    assert_eq!(nobody.status, 401);
    exams.ask("GET", "terminals", None, None).with(403, "another scope");
    System::new(&server, "yj_made-up").ask("GET", "audit", None, None).with(401, "a made-up token");

    let site = json!({ "township": "chengguan", "names": { "en": "Bazar" } });
    let made = exams.ask("POST", "sites", None, Some(&site)).with(201, "a site").json();
    assert_eq!(
        made,
        json!({ "id": "chengguan-1", "township": "chengguan", "names": { "en": "Bazar" }, "closed": false })
    );
    let change = json!({ "names": { "en": "Bazar", "zh-Hans": "巴扎村" }, "closed": true });
    exams.ask("PATCH", "sites/chengguan-1", None, Some(&change)).with(200, "changed");
    let code = json!({ "names": { "en": "TV" }, "device": "tv" });
    exams.ask("POST", "sites/chengguan-1/enrolments", None, Some(&code)).with(404, "a closed site");
    exams.ask("PATCH", "sites/chengguan-1", None, Some(&json!({ "closed": false }))).with(200, "opened");
    let code =
        exams.ask("POST", "sites/chengguan-1/enrolments", None, Some(&code)).with(201, "a code").json();
    let code = code["code"].as_str().expect("a code").to_owned();
    Browser::new(&server).post("/enrol", &format!("code={code}")).with(303, "it enrols a device");
    exams.ask("PATCH", "sites/dongmen", None, Some(&change)).with(409, "the county's file stands");
    exams.ask("DELETE", "terminals/hall", None, None).with(409, "the county's file stands");

    for (body, said) in [
        (json!({ "township": "nowhere", "names": { "en": "x" } }), "there is no `nowhere`"),
        (json!({ "township": "chengguan", "names": {} }), "at least one"),
        (json!({ "township": "chengguan", "names": { "en": "x" }, "mayor": "y" }), "mayor"),
        (json!([]), "not what was expected"),
    ] {
        let problem = exams.ask("POST", "sites", None, Some(&body)).with(400, said);
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
        assert!(problem.json()["detail"].as_str().is_some_and(|d| d.contains(said)), "{problem:?}");
    }

    let auditor = System::new(&server, &token(&mut admin, "audit", &["audit:read", "terminals:read"]));
    let lines = auditor.ask("GET", "audit", None, None).with(200, "the log").json();
    let own = |l: &&Value| l["via"] == "exams" && l["what"] == "places-changed";
    let line = lines["items"].as_array().expect("lines").iter().find(own).expect("its own");
    assert!(line["who"].is_string(), "{line}");
    assert!(admin.get("/office/audit").text().contains("Aygul</bdi> · <bdi>exams"));
    let terminals = auditor.ask("GET", "terminals", None, None).with(200, "terminals").json();
    let own = |t: &&Value| t["site"] == "chengguan-1";
    let id =
        terminals["items"].as_array().expect("a list").iter().find(own).expect("the new one")["id"].clone();
    exams
        .ask("DELETE", &format!("terminals/{}", id.as_str().expect("id")), None, None)
        .with(204, "withdrawn");

    let page = admin.get("/office/api").with(200, "the page").text();
    assert!(!page.contains(&shown), "a token is shown once");
    let id =
        page.split("name=\"id\" value=\"").nth(2).and_then(|r| r.split('"').next()).expect("the older token");
    admin.act("/office/api/withdraw", &format!("id={id}")).with(303, "withdrawn");
    exams.ask("POST", "sites", None, Some(&site)).with(401, "withdrawn");
}

#[test]
fn a_write_with_a_key_is_done_once() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let shown = token(&mut admin, "exams", &["sites:write"]);
    let site = json!({ "township": "chengguan", "names": { "en": "Bazar" } });
    let exams = System::new(&server, &shown);
    let first = exams.ask("POST", "sites", Some("k1"), Some(&site)).with(201, "made").json();
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    let exams = System::new(&server, &shown);
    let again = exams.ask("POST", "sites", Some("k1"), Some(&site)).with(201, "after kill -9").json();
    assert_eq!(first, again);
    let other = json!({ "township": "chengguan", "names": { "en": "Other" } });
    exams.ask("POST", "sites", Some("k1"), Some(&other)).with(422, "the key of another request");
    exams.ask("POST", "sites", Some("k2"), Some(&json!({}))).with(400, "a mistake");
    exams.ask("POST", "sites", Some("k2"), Some(&other)).with(201, "may be mended under its key");
    exams.ask("POST", "sites", Some(" "), Some(&other)).with(400, "no key");
    let sites = server.client.items("/api/v1/sites");
    assert_eq!(sites.iter().filter(|s| s["names"]["en"] == "Bazar").count(), 1);

    // A terminal whose line broke while it opened a session gets that session.
    let bearer = format!("Bearer {}", support::county::token("hall"));
    let open = |key| {
        let headers = [("idempotency-key", key), ("authorization", bearer.as_str())];
        server
            .client
            .post("/api/v1/sessions", &headers, &json!({ "channel": "xiangtu" }))
            .with(201, "open")
            .json()
    };
    assert_eq!(open("s1"), open("s1"));
    assert_ne!(open("s1")["session"], open("s2")["session"]);
    // The public shares no answers: one player's key gives nobody else its session.
    let public = || {
        let headers = [("idempotency-key", "s1")];
        server
            .client
            .post("/api/v1/sessions", &headers, &json!({ "channel": "xiangtu" }))
            .with(201, "open")
            .json()
    };
    assert_ne!(public()["session"], public()["session"]);
}

#[test]
fn lists_come_in_pages_and_mistakes_are_told() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    for n in 0..7 {
        admin.act("/office/new-site", &format!("township=chengguan&name.en=V{n}")).with(303, "a site");
    }
    let (mut found, mut path) = (Vec::new(), "/api/v1/sites?limit=4".to_owned());
    for _ in 0..5 {
        let page = server.client.good(&path).json();
        found.extend(page["items"].as_array().expect("items").iter().map(|s| s["id"].clone()));
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/sites?limit=4&after={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 9, "{found:?}");
    for wrong in
        ["sites?limit=0", "sites?after=*", "lessons?limit=x", "channels/xiangtu/asrun?from=yesterday"]
    {
        assert_eq!(server.client.get(&format!("/api/v1/{wrong}")).status, 400, "{wrong}");
    }
    // A guide of all time would keep the server busy for ever.
    let all = "channels/xiangtu/programmes?from=0001-01-01T00:00:00Z&to=9999-01-01T00:00:00Z";
    assert_eq!(server.client.get(&format!("/api/v1/{all}")).status, 400);
    let put = server.client.try_ask("PUT", "/api/v1/sites", &[], None).expect("answered");
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST, HEAD, OPTIONS")));
    assert_eq!(server.client.get("/api/v1/relays/nowhere/events").status, 404);
}

/// What the document says of a path, method and status; none: nothing.
fn documented<'d>(document: &'d Value, path: &str, method: &str, status: u16) -> Option<&'d Value> {
    let answer = document["paths"].get(path)?.get(method)?["responses"].get(status.to_string())?;
    answer["content"].as_object().and_then(|c| c.values().next()).map(|c| &c["schema"])
}

/// Why `value` is not as `schema` says; none: it is.
fn differs(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(path) = schema["$ref"].as_str() {
        return differs(document, document.pointer(path.trim_start_matches('#')).expect("a schema"), value);
    }
    if let Some(any) = schema["oneOf"].as_array() {
        let found: Vec<_> = any.iter().map(|s| differs(document, s, value)).collect();
        return if found.contains(&None) { None } else { Some(format!("{found:?}")) };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number");
    if !fits {
        return Some(format!("expected {kinds:?}, found {value}"));
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| differs(document, &schema["items"], item)),
        Value::Object(fields) => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for name in required {
                if !fields.contains_key(name) {
                    return Some(format!("{name} is missing in {value}"));
                }
            }
            let properties = schema["properties"].as_object()?;
            fields.iter().find_map(|(name, value)| match properties.get(name) {
                Some(schema) => differs(document, schema, value),
                None => Some(format!("{name} is not described")),
            })
        }
        _ => None,
    }
}

#[test]
fn every_answer_is_one_that_the_document_describes() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let document = server.client.good("/api/v1/openapi.json").json();
    let all = ["terminals:read", "terminals:write", "sites:write", "lessons:write", "audit:read"];
    let system = System::new(&server, &token(&mut admin, "all", &all));
    let session = json!({ "channel": "xiangtu" });
    let opened = server.client.post("/api/v1/sessions", &[], &session).with(201, "open").json();
    let session_id = opened["session"].as_str().expect("id").to_owned();
    let site = json!({ "township": "chengguan", "names": { "en": "x" } });
    let code = json!({ "names": { "en": "TV" }, "device": "tv" });
    let beat = json!([{ "seq": 1, "boot": "b", "mono_ms": 0, "wall_ms": 0, "pos_ms": 0, "rate": 1.0,
                        "state": "playing", "visible": true, "nonce": opened["nonce"] }]);
    let mut asked = 0;
    for (pattern, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let bodies = match (pattern.as_str(), method.as_str()) {
                ("/api/v1/sites", "post") => vec![Some(&site), None],
                ("/api/v1/sites/{id}", "patch") => vec![Some(&site), None],
                ("/api/v1/sites/{id}/enrolments", "post") => vec![Some(&code), None],
                ("/api/v1/sessions", "post") => vec![Some(&session), None],
                ("/api/v1/sessions/{id}/beats", "post") => vec![Some(&beat), None],
                _ => vec![None],
            };
            for (id, body) in ["xiangtu", "dongmen", "nowhere", "..", &session_id]
                .iter()
                .flat_map(|id| bodies.iter().map(move |body| (id, body)))
            {
                let path = pattern.trim_start_matches("/api/v1/").replace("{id}", id);
                let answer = system.ask(&method.to_uppercase(), &path, None, *body);
                asked += 1;
                if path.contains("..") {
                    assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
                    continue;
                }
                let answers = &document["paths"][pattern][method]["responses"];
                assert!(
                    answers.get(answer.status.to_string()).is_some(),
                    "{method} {path}: {}",
                    answer.text()
                );
                if let Some(schema) = documented(&document, pattern, method, answer.status) {
                    let wrong = differs(&document, schema, &answer.json());
                    assert_eq!(wrong, None, "{method} {path}: {}", answer.text());
                }
            }
        }
    }
    assert!(asked > 80, "{asked}");
}
