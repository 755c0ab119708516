internal import Content
internal import GRDB

internal import struct FoundationEssentials.Data

/// The store's index: one SQLite database in WAL mode.
///
/// It survives the death of the process without fsync; only ``setMark(bootID:isClean:)`` waits for the disk.
struct StoreIndex: Sendable {
    private let database: DatabaseQueue

    init(path: String) throws(StoreError) {
        do {
            var configuration = GRDB.Configuration()
            configuration.journalMode = .wal
            configuration.foreignKeysEnabled = false
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.write { try $0.execute(sql: Self.schema) }
        } catch {
            throw Self.storeError(error, "the index \(path) can not be opened")
        }
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS object(
            ref INTEGER PRIMARY KEY, name TEXT, incoming TEXT NOT NULL, settled INTEGER NOT NULL,
            digests TEXT NOT NULL, size INTEGER, modified INTEGER);
        CREATE TABLE IF NOT EXISTS task(
            ref INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, generation BLOB NOT NULL, length INTEGER,
            piece_size INTEGER NOT NULL, object INTEGER NOT NULL, complete INTEGER NOT NULL, content_hash TEXT,
            metadata BLOB NOT NULL, last_used REAL NOT NULL);
        CREATE TABLE IF NOT EXISTS piece(
            task INTEGER NOT NULL, number INTEGER NOT NULL, digest BLOB NOT NULL,
            PRIMARY KEY(task, number)) WITHOUT ROWID;
        """

    static func storeError(_ error: any Error, _ message: String) -> StoreError {
        switch (error as? DatabaseError)?.resultCode {
        case .SQLITE_FULL?: StoreError(.diskFull, message, cause: error)
        case .SQLITE_CORRUPT?, .SQLITE_NOTADB?: StoreError(.corrupt, message, cause: error)
        default: StoreError(.failed, message, cause: error)
        }
    }

    // MARK: Writing

    /// Writes all changes, or none.
    func apply(_ changes: [IndexChange]) throws(StoreError) {
        do {
            try database.write { database in
                for change in changes { try Self.apply(change, to: database) }
            }
        } catch {
            throw Self.storeError(error, "the index can not be written")
        }
    }

    private static func apply(_ change: IndexChange, to database: Database) throws {
        func run(_ sql: String, _ arguments: StatementArguments) throws {
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
        switch change {
        case .addPiece(let task, let piece, let check):
            try run(
                "INSERT OR REPLACE INTO piece VALUES (?, ?, ?)",
                [task, piece.value, Data(check.bytes)]
            )
        case .dropPieces(let task, let pieces):
            for piece in pieces { try run("DELETE FROM piece WHERE task = ? AND number = ?", [task, piece.value]) }
        case .putTask(let row):
            try run(
                "INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    row.ref, Data(row.id.bytes), Data(row.generation.bytes), row.layout.length,
                    row.layout.pieceSize, row.object, row.isComplete, row.contentHash?.rawValue,
                    Data(row.metadata), row.lastUsed,
                ]
            )
        case .putObject(let row):
            try run(
                "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    row.ref, row.name?.text, row.incoming, row.isSettled,
                    row.digests.map(\.description).joined(separator: " "), row.stamp?.size, row.stamp?.modified,
                ]
            )
        case .setLength(let task, let length):
            try run("UPDATE task SET length = ? WHERE ref = ?", [length, task])
        case .setMetadata(let task, let bytes):
            try run("UPDATE task SET metadata = ? WHERE ref = ?", [Data(bytes), task])
        case .setLastUsed(let task, let time):
            try run("UPDATE task SET last_used = ? WHERE ref = ?", [time, task])
        case .dropTask(let task):
            try run("DELETE FROM piece WHERE task = ?", [task])
            try run("DELETE FROM task WHERE ref = ?", [task])
        case .dropObject(let object):
            try run("DELETE FROM object WHERE ref = ?", [object])
        }
    }

    /// Writes down which boot this is, whether everything is on disk, and with what key codes are made, and waits until that is.
    func setMark(bootID: String, isClean: Bool, codesKey: [UInt8]) throws(StoreError) {
        do {
            try database.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.inTransaction {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO state VALUES ('boot', ?), ('clean', ?), ('codes', ?)",
                        arguments: [bootID, isClean ? "1" : "0", codesKey.lowercaseHex]
                    )
                    return .commit
                }
                try database.execute(sql: "PRAGMA synchronous = NORMAL")
            }
        } catch {
            throw Self.storeError(error, "the index can not be written")
        }
    }

    func close() { try? database.close() }
}

// MARK: Reading

extension StoreIndex {
    func load() throws(StoreError) -> IndexContents {
        do {
            return try database.read { database in
                var contents = IndexContents()
                let marks = try Row.fetchAll(database, sql: "SELECT key, value FROM state")
                for row in marks {
                    let (key, value): (String, String) = (row[0], row[1])
                    if key == "boot" { contents.bootID = value }
                    if key == "clean" { contents.isClean = value == "1" }
                    if key == "codes" { contents.codesKey = [UInt8](lowercaseHex: value) }
                }
                contents.objects = try Row.fetchAll(database, sql: "SELECT * FROM object").map(Self.object)
                contents.tasks = try Row.fetchAll(database, sql: "SELECT * FROM task").compactMap(Self.task)
                return contents
            }
        } catch {
            throw Self.storeError(error, "the index can not be read")
        }
    }

    /// The checks of a task's committed pieces.
    func pieces(of task: Int64) throws(StoreError) -> [PieceIndex: PieceCheck] {
        do {
            return try database.read { database in
                let rows = try Row.fetchAll(
                    database,
                    sql: "SELECT number, digest FROM piece WHERE task = ?",
                    arguments: [task]
                )
                var pieces: [PieceIndex: PieceCheck] = [:]
                for row in rows {
                    let (number, bytes): (Int, Data) = (row[0], row[1])
                    guard number >= 0, let check = PieceCheck(bytes: Array(bytes)) else { continue }
                    pieces[PieceIndex(number)] = check
                }
                return pieces
            }
        } catch {
            throw Self.storeError(error, "the index can not be read")
        }
    }

    private static func object(_ row: Row) -> ObjectRow {
        let name: String? = row["name"]
        let digests: String = row["digests"]
        var object = ObjectRow(ref: row["ref"], name: name.flatMap { ObjectName($0) }, incoming: row["incoming"])
        object.isSettled = row["settled"]
        object.digests = digests.split(separator: " ").compactMap { Digest($0) }
        if let size: Int64 = row["size"], let modified: Int64 = row["modified"] {
            object.stamp = FileStamp(size: size, modified: modified, inode: 0)
        }
        return object
    }

    /// Nil where the row is not one that this version writes.
    private static func task(_ row: Row) -> TaskRow? {
        let (id, generation, metadata): (Data, Data, Data) = (row["id"], row["generation"], row["metadata"])
        let algorithm: String? = row["content_hash"]
        guard let id = TaskID(bytes: Array(id)), let generation = Generation(bytes: Array(generation)),
            let layout = PieceLayout(length: row["length"], pieceSize: row["piece_size"])
        else { return nil }
        return TaskRow(
            ref: row["ref"],
            id: id,
            generation: generation,
            layout: layout,
            object: row["object"],
            isComplete: row["complete"],
            contentHash: algorithm.flatMap { Digest.Algorithm(rawValue: $0) },
            metadata: Array(metadata),
            lastUsed: row["last_used"]
        )
    }
}
