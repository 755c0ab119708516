/// Groups of peers that are close to each other: those of one rack, and those of one host.
///
/// They are small, so a list of places is enough. A group is forgotten with its last member.
struct Neighbourhoods: Sendable {
    private struct Group: Sendable {
        var name = ""
        var members: [Int] = []
    }

    private var groups: [Group] = []
    private var numbers: [String: Int] = [:]
    private var vacancies: [Int] = []
    /// A group is searched so far; whoever labels thousands of nodes as one rack gains nothing by it.
    private static let mostSearched = 64

    /// Puts a place into the group of this name; returns the group's number.
    mutating func enter(_ place: Int, name: String) -> Int {
        let number: Int
        if let known = numbers[name] {
            number = known
        } else {
            number = vacancies.popLast() ?? groups.count
            if number == groups.count { groups.append(Group()) }
            groups[number].name = name
            numbers[name] = number
        }
        groups[number].members.append(place)
        return number
    }

    mutating func leave(_ place: Int, group number: Int) {
        groups[number].members.removeAll { $0 == place }
        guard groups[number].members.isEmpty else { return }
        numbers[groups[number].name] = nil
        groups[number] = Group()
        vacancies.append(number)
    }

    /// The first member that suits, from a random one on.
    func first(in number: Int, using chance: inout SplitMix64, where suits: (Int) -> Bool) -> Int? {
        let members = groups[number].members
        let start = chance.below(members.count)
        for step in 0..<min(members.count, Self.mostSearched) {
            let index = start + step
            let place = members[index < members.count ? index : index - members.count]
            if suits(place) { return place }
        }
        return nil
    }
}
