//! The OpenAPI 3.1 document, from the functions that answer.

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{chains, channels, operation, places, sessions, uploads};
use crate::portal::reply::Reply;

/// Everything below `/api/v1/`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Yuanjiao",
        version = "1",
        description = "The county's channels, lessons, sites and playback sessions. Errors are problem details \
                       (RFC 9457); instants are RFC 3339; lists come in pages: send `next` as `after`. A write \
                       with an `Idempotency-Key` is done once, however often it is sent within a day.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        channels::channels, channels::channel, channels::programmes, channels::asrun,
        operation::time, operation::lessons, operation::lesson, operation::packaging, operation::relays, operation::events,
        places::townships, places::sites, places::add_site, places::site, places::change_site,
        places::enrolment, places::terminals, places::withdraw, places::audit,
        sessions::open, sessions::beats, chains::begin, chains::seal,
        uploads::list, uploads::begin, uploads::look, uploads::add, uploads::end,
    ),
    modifiers(&Schemes),
    tags(
        (name = "guide", description = "What is on, what comes, what there is on demand"),
        (name = "playing", description = "Playback sessions and what players report"),
        (name = "county", description = "Townships, sites, terminals"),
        (name = "operation", description = "How the server's parts are"),
    ),
)]
struct Api;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, description) in [
            ("terminal", "The token a terminal got when it enrolled."),
            ("token", "A token from the office's page of tokens; each operation names the scope it needs."),
        ] {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            components.add_security_scheme(name, SecurityScheme::Http(bearer.build()));
        }
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(Api::openapi()).unwrap_or_default());

/// `/api/v1/openapi.json`.
pub(super) fn document() -> Reply {
    Reply::json(&*DOCUMENT).cached("max-age=300")
}

/// The methods of the path that `path` is one of, as `Allow` lists them.
pub(super) fn methods(path: &str) -> Option<String> {
    let fits = |pattern: &str| {
        let (mut a, mut b) = (pattern.split('/'), path.split('/'));
        loop {
            match (a.next(), b.next()) {
                (None, None) => return true,
                (Some(p), Some(q)) if p == q || (p.starts_with('{') && !q.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let paths = DOCUMENT["paths"].as_object()?;
    let (_, operations) = paths.iter().find(|(pattern, _)| fits(pattern))?;
    let all = operations.as_object()?.keys().map(|m| m.to_uppercase());
    let mut all: Vec<String> = all.filter(|m| m != "PARAMETERS").collect();
    if all.iter().any(|m| m == "GET") {
        all.push("HEAD".to_owned());
    }
    all.push("OPTIONS".to_owned());
    Some(all.join(", "))
}

/// One operation, as the page of the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `GET` and so on.
    pub method: String,
    /// Its path.
    pub path: String,
    /// What it is for.
    pub summary: String,
    /// Where parameters stand and what they are called.
    pub parameters: Vec<String>,
    /// Each status and what it means.
    pub answers: Vec<(String, String)>,
}

/// All operations, by path.
pub(in crate::portal) fn operations() -> Vec<Operation> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().into_iter().flatten() {
        for (method, op) in methods.as_object().into_iter().flatten() {
            let parameters = op["parameters"].as_array().into_iter().flatten();
            let answers = op["responses"].as_object().into_iter().flatten();
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(&op["summary"]),
                parameters: parameters.map(|p| text(&p["name"])).collect(),
                answers: answers.map(|(status, a)| (status.clone(), text(&a["description"]))).collect(),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_openapi_and_leads_nowhere_outside_itself() {
        assert!(DOCUMENT["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")));
        let text = DOCUMENT.to_string();
        for reference in text.split("\"$ref\":\"#/").skip(1) {
            let path = reference.split('"').next().expect("an end");
            assert!(DOCUMENT.pointer(&format!("/{path}")).is_some(), "{path}");
        }
        for op in operations() {
            assert!(!op.summary.is_empty() && !op.answers.is_empty(), "{op:?}");
        }
    }

    #[test]
    fn a_path_knows_its_methods() {
        assert_eq!(methods("/api/v1/sites").as_deref(), Some("GET, POST, HEAD, OPTIONS"));
        assert_eq!(methods("/api/v1/sites/dongmen").as_deref(), Some("GET, PATCH, HEAD, OPTIONS"));
        assert_eq!(methods("/api/v1/nowhere"), None);
    }
}
