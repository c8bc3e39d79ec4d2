//! Who asks.

use jiff::Timestamp;

use crate::people::{Account, Secret, SignIn};
use crate::portal::state::Portal;
use crate::store::StoreError;

use super::Refusal;
use super::request::OfficeRequest;

/// Who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) secret: Secret,
    pub(super) sign_in: SignIn,
    pub(super) account: Account,
}

impl Portal {
    /// Who is signed in in the browser that asks.
    pub(super) async fn visitor(&self, request: &OfficeRequest<'_>) -> Result<Option<Visitor>, Refusal> {
        let Some(secret) = &request.cookie else { return Ok(None) };
        Ok(self.signed_in(secret, request.page.now).await?)
    }

    pub(super) async fn signed_in(
        &self,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Option<Visitor>, StoreError> {
        let Some((sign_in, account)) = self.store.signed_in(secret.hash()).await? else { return Ok(None) };
        if !sign_in.holds(now) || account.state != crate::people::AccountState::Active {
            return Ok(None);
        }
        if sign_in.is_stale(now) {
            self.store.touch_sign_in(sign_in.hash, now).await?;
        }
        Ok(Some(Visitor { secret: secret.clone(), sign_in, account }))
    }

    /// The account that is signed in with the cookie `secret`.
    pub(in crate::portal) async fn holder_of(
        &self,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        Ok(self.signed_in(secret, now).await?.map(|visitor| visitor.account))
    }
}
