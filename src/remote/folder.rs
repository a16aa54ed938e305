//! The files beside a descriptor at an https address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::address::Address;
use super::opening::{Opened, open};
use super::repeated::Repeated;
use crate::error::{Error, Result};
use crate::io::{Slice, Stored};
use crate::ovf::Files;
use crate::sync::lock;
use crate::transfer::Engine;

/// What is at the addresses beside one. Nobody can list it.
pub(super) struct Folder {
    engine: Arc<Engine>,
    base: Address,
    /// What was looked for: each file is asked for once.
    found: Mutex<HashMap<String, Option<Arc<dyn Stored>>>>,
}

impl Folder {
    /// The folder of the file at this address, which is open.
    pub(super) fn new(
        engine: Arc<Engine>,
        base: Address,
        name: &str,
        file: Arc<dyn Stored>,
    ) -> Self {
        Self {
            engine,
            base,
            found: Mutex::new(HashMap::from([(name.to_owned(), Some(file))])),
        }
    }

    fn look(&self, name: &str) -> Result<Option<Arc<dyn Stored>>> {
        let address = self.base.beside(name)?;
        match open(&self.engine, address.clone()) {
            Ok(Opened::Anywhere(remote)) => Ok(Some(Arc::new(remote))),
            Ok(Opened::InOrder(whole)) => {
                let stored = Repeated::new(Arc::clone(&self.engine), address, *whole)?;
                Ok(Some(Arc::new(stored)))
            }
            Err(Error::HttpStatus {
                status: 404 | 410, ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Option<Arc<dyn Stored>>>> {
        lock(&self.found)
    }
}

impl Files for Folder {
    fn name(&self) -> String {
        self.base.what().to_string()
    }

    fn list(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    fn find(&self, name: &str) -> Result<Option<Slice>> {
        let known = self.known().get(name).cloned();
        if let Some(stored) = known {
            return Ok(stored.map(Slice::all));
        }
        let stored = self.look(name)?;
        self.known().insert(name.to_owned(), stored.clone());
        Ok(stored.map(Slice::all))
    }
}
