//! The page that takes in what devices without a line played, from a file on a stick. Anybody
//! may bring one: it is believed for its signatures, not for who carries it.

use hyper::StatusCode;

use crate::portal::carried::{NotTaken, Told};
use crate::portal::state::Portal;
use crate::portal::views::{BringPage, Brought, PageContext};

use super::request::OfficeRequest;
use super::{Answer, html};

impl Portal {
    pub(super) async fn bring(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        let Some(form) = &request.form else { return Ok(html(BringPage::default().render(ctx)?)) };
        let wrong = |key: &str| -> Answer {
            let page = BringPage { error: Some(ctx.t(key)), rows: &[] };
            Ok(html(page.render(ctx)?).with_status(StatusCode::UNPROCESSABLE_ENTITY))
        };
        let Some(file) = form.file("record") else { return wrong("bring-nothing") };
        let Ok(told) = self.take_chains(file, request.page.now).await? else {
            return wrong("bring-reason-format");
        };
        if told.is_empty() {
            return wrong("bring-nothing");
        }
        let rows: Vec<Brought> = told
            .into_iter()
            .map(|Told { title, sealed_ms, .. }| Brought {
                title,
                said: match sealed_ms {
                    Ok(ms) => ctx.t1("bring-taken", "minutes", ms / 60_000),
                    Err(why) => ctx.t1("bring-refused", "reason", ctx.t(key(why))),
                },
                taken: sealed_ms.is_ok(),
            })
            .collect();
        Ok(html(BringPage { error: None, rows: &rows }.render(ctx)?))
    }
}

/// Why a chain was not taken.
fn key(why: NotTaken) -> &'static str {
    match why {
        NotTaken::Unknown => "bring-reason-unknown",
        NotTaken::Before => "bring-reason-sealed",
        NotTaken::Withdrawn => "bring-reason-withdrawn",
        NotTaken::Bad(_) => "bring-reason-broken",
    }
}
