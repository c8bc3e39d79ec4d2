//! Tokens of other systems, and what the API offers them.

use std::collections::BTreeMap;

use hyper::StatusCode;
use jiff::SignedDuration;

use crate::people::{ApiToken, LONGEST_DAYS, Rights, SecretHash, TokenScope};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{ApiPage, Menu, PageContext, TokenPage, TokenRow};

use super::gate::new_secret;
use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, html};

impl Portal {
    pub(super) async fn api_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        error: Option<&'static str>,
    ) -> Answer {
        let accounts = self.store.accounts().await?;
        let names: BTreeMap<&str, &str> = accounts.iter().map(|a| (a.id.as_str(), a.name.as_str())).collect();
        let tokens = self.store.tokens().await?;
        let rows = tokens.iter().map(|token| TokenRow {
            token,
            by: names.get(token.account.as_str()).copied().unwrap_or_default(),
            id: hex::encode(token.hash.0),
            ended: !token.holds(ctx.now),
        });
        let page = ApiPage {
            rows: rows.collect(),
            may_give: rights.keep_tokens(),
            operations: crate::portal::api::operations(),
            error,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    pub(super) async fn give_token(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let Some(name) = form.name() else {
            return self.api_page(ctx, visitor, rights, Some("name-missing")).await;
        };
        let scopes: Vec<TokenScope> = form.all("scope").filter_map(TokenScope::named).collect();
        if scopes.is_empty() {
            return self.api_page(ctx, visitor, rights, Some("token-no-scope")).await;
        }
        let days = form.get("days").parse().ok().filter(|d| (1..=LONGEST_DAYS).contains(d));
        let Some(days) = days else {
            return self.api_page(ctx, visitor, rights, Some("token-days-wrong")).await;
        };
        let secret = new_secret()?;
        let now = request.page.now;
        let token = ApiToken {
            hash: ApiToken::hash_of(&secret),
            name,
            account: visitor.account.id.clone(),
            scopes,
            created: now,
            expires: now + SignedDuration::from_hours(24 * i64::from(days)),
            used: None,
        };
        let mut entry =
            request.entry(Some(&visitor.account.id), "token-given", format!("token/{}", token.name));
        entry.after = said(&token);
        let name = token.name.clone();
        self.store.add_token(token, entry).await?;
        let page = TokenPage { name: &name, shown: ApiToken::shown(&secret), menu: Menu::of(rights) };
        Ok(html(page.render(ctx)?))
    }

    pub(super) async fn withdraw_token(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        form: &Form,
    ) -> Answer {
        let mut hash = [0; 32];
        hex::decode_to_slice(form.get("id"), &mut hash).map_err(|_| Refusal::Unknown)?;
        let hash = SecretHash(hash);
        let (token, _) = self.store.token(hash).await?.ok_or(Refusal::Unknown)?;
        let mut entry =
            request.entry(Some(&visitor.account.id), "token-withdrawn", format!("token/{}", token.name));
        entry.before = said(&token);
        self.store.withdraw_token(hash, entry).await?;
        Ok(Reply::see_other("/office/api"))
    }
}

/// A token as the audit log tells it.
fn said(token: &ApiToken) -> String {
    let scopes: Vec<&str> = token.scopes.iter().map(|s| s.as_str()).collect();
    format!("{} · {}", scopes.join(" "), token.expires.strftime("%Y-%m-%d"))
}
