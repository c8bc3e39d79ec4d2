// What must outlive a power cut: where a screen was, beats that are not
// acknowledged, chains of what was played without a line. IndexedDB, since a
// browser writes localStorage to disk only about once a minute, holds little in
// it, and no keys.

const NAME = "yuanjiao";
const STORE = "shelf";

class Shelf {
  private readonly db: Promise<IDBDatabase | null> = open();

  put(key: string, value: unknown): Promise<void> {
    return this.putAll([[key, value]]);
  }

  /** All of them, or none. */
  putAll(entries: readonly (readonly [string, unknown])[]): Promise<void> {
    return this.change((store) => {
      for (const [key, value] of entries) store.put(value, key);
    });
  }

  remove(keys: readonly string[]): Promise<void> {
    return this.change((store) => {
      for (const key of keys) store.delete(key);
    });
  }

  async get<T>(key: string): Promise<T | null> {
    const store = await this.reading();
    if (store === null) return null;
    return (await result(store.get(key)).catch(() => null)) as T | null;
  }

  /** Everything whose key begins with `prefix`, in the order of the keys. */
  async all<T>(prefix: string): Promise<T[]> {
    const store = await this.reading();
    if (store === null) return [];
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    return (await result(store.getAll(range)).catch(() => [])) as T[];
  }

  private async reading(): Promise<IDBObjectStore | null> {
    const db = await this.db;
    return db === null ? null : db.transaction(STORE, "readonly").objectStore(STORE);
  }

  /** Ends when it is on disk, or cannot be: without storage things last as long as the page. */
  private async change(work: (store: IDBObjectStore) => void): Promise<void> {
    const db = await this.db;
    if (db === null) return;
    await new Promise<void>((done) => {
      const transaction = db.transaction(STORE, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => done();
      transaction.onabort = () => done();
      work(transaction.objectStore(STORE));
    });
  }
}

function open(): Promise<IDBDatabase | null> {
  return new Promise((done) => {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => done(request.result);
      request.onerror = () => done(null);
    } catch {
      done(null); // The browser keeps nothing for this page.
    }
  });
}

function result<T>(request: IDBRequest<T>): Promise<T | null> {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result ?? null);
    request.onerror = () => failed(request.error);
  });
}

export const shelf = new Shelf();
