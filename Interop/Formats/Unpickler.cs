using System.Numerics;

namespace Osprey.Interop.Formats;

/// <summary>
/// Runs a pickle of protocol 2 to 5 as far as weights need it: numbers, text and containers are built, <see cref="TorchGlobals"/> may be
/// called, and every other name is refused where it is first met. The stack machine has no recursion, and what it may hold is limited.
/// </summary>
sealed class Unpickler(PickleSource source, Func<PickleTuple, TorchStorage> loadStorage)
{
    const int MaxOperations = 20_000_000;
    const int MaxHeld = 2_000_000;

    readonly Dictionary<long, object?> memo = [];
    readonly Stack<List<object?>> outer = new();
    List<object?> stack = [];

    /// <summary>Reads one pickle, up to and with its STOP.</summary>
    /// <exception cref="InvalidDataException">Broken, too large, or asking for more than tensors and containers.</exception>
    public object? Load()
    {
        for (int operation = 0; operation < MaxOperations; operation++)
        {
            byte code = source.Byte();
            if (code == (byte)'.') return Pop();
            Execute(code);
            if (stack.Count > MaxHeld || memo.Count > MaxHeld || outer.Count > MaxHeld) throw Broken($"its pickle holds more than {MaxHeld} values at once");
        }
        throw Broken($"its pickle has more than {MaxOperations} operations");
    }

    void Execute(byte code)
    {
        switch (code)
        {
            case 0x80: Protocol(source.Byte()); break;
            case 0x95: source.UInt64(); break; // FRAME: a reading hint
            case (byte)'(': outer.Push(stack); stack = []; break;
            case (byte)'0': Pop(); break;
            case (byte)'1': PopMark(); break;
            case (byte)'2': Push(Peek()); break;

            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)source.Int32()); break;
            case (byte)'K': Push((long)source.Byte()); break;
            case (byte)'M': Push((long)source.UInt16()); break;
            case 0x8a: PushInteger(source.Bytes(source.Byte())); break;
            case (byte)'G': Push(source.DoubleBigEndian()); break;

            case (byte)'X': Push(source.Text(source.UInt32())); break;
            case 0x8c: Push(source.Text(source.Byte())); break;
            case 0x8d: Push(source.Text(source.UInt64())); break;
            case (byte)'U': Push(source.Text(source.Byte())); break;
            case (byte)'T': Push(source.Text(source.UInt32())); break;
            case (byte)'C': Push(source.Bytes(source.Byte())); break;
            case (byte)'B': Push(source.Bytes(source.UInt32())); break;
            case 0x8e or 0x96: Push(source.Bytes(source.UInt64())); break;

            case (byte)'}': Push(new PickleDictionary()); break;
            case (byte)']' or 0x8f: Push(new PickleList()); break;
            case (byte)')': Push(new PickleTuple([])); break;
            case 0x85: Push(Tuple(1)); break;
            case 0x86: Push(Tuple(2)); break;
            case 0x87: Push(Tuple(3)); break;
            case (byte)'t': Push(new PickleTuple([.. PopMark()])); break;
            case (byte)'l' or 0x91: Push(ListOf(PopMark())); break;
            case (byte)'d': Push(SetItems(new PickleDictionary(), PopMark())); break;
            case (byte)'a': Append([Pop()]); break;
            case (byte)'e' or 0x90: Append(PopMark()); break;
            case (byte)'s': { object? value = Pop(), key = Pop(); SetItems(Peek(), [key, value]); } break;
            case (byte)'u': { List<object?> items = PopMark(); SetItems(Peek(), items); } break;

            case 0x94: memo[memo.Count] = Peek(); break;
            case (byte)'q': memo[source.Byte()] = Peek(); break;
            case (byte)'r': memo[source.UInt32()] = Peek(); break;
            case (byte)'h': Push(Recall(source.Byte())); break;
            case (byte)'j': Push(Recall(source.UInt32())); break;

            case (byte)'c': Push(TorchGlobals.Find(source.Line(), source.Line(), source.Path)); break;
            case 0x93: { string name = Pop<string>(), module = Pop<string>(); Push(TorchGlobals.Find(module, name, source.Path)); } break;
            case (byte)'R' or 0x81: { PickleTuple arguments = Pop<PickleTuple>(); Push(TorchGlobals.Call(Pop<PickleGlobal>(), arguments, source.Path)); } break;
            case (byte)'b': Build(Pop(), Peek()); break;
            case (byte)'Q': Push(loadStorage(Pop<PickleTuple>())); break;

            default: throw Broken($"its pickle has the operation 0x{code:x2}, which weights do not need");
        }
    }

    void Protocol(byte version)
    {
        if (version is < 2 or > 5) throw Broken($"its pickle is of protocol {version}; 2 to 5 are read");
    }

    void PushInteger(byte[] littleEndian)
    {
        var value = new BigInteger(littleEndian);
        if (value >= long.MinValue && value <= long.MaxValue) Push((long)value);
        else Push(value);
    }

    PickleTuple Tuple(int count)
    {
        object?[] items = new object?[count];
        for (int i = count - 1; i >= 0; i--) items[i] = Pop();
        return new PickleTuple(items);
    }

    static PickleList ListOf(List<object?> items)
    {
        var list = new PickleList();
        list.Items.AddRange(items);
        return list;
    }

    void Append(List<object?> items)
    {
        if (Peek() is not PickleList list) throw Broken("its pickle appends to something that is no list");
        list.Items.AddRange(items);
    }

    PickleDictionary SetItems(object? target, List<object?> items)
    {
        if (target is not PickleDictionary dictionary || items.Count % 2 != 0) throw Broken("its pickle sets items of something that is no dictionary");
        for (int i = 0; i < items.Count; i += 2) dictionary.Items.Add((items[i], items[i + 1]));
        return dictionary;
    }

    /// <summary>An OrderedDict's attributes (the <c>_metadata</c> of a state_dict) are not needed; nothing else has any.</summary>
    void Build(object? state, object? target)
    {
        if (target is not PickleDictionary { Ordered: true } || state is not PickleDictionary)
            throw Broken("its pickle sets attributes of something that is no OrderedDict");
    }

    object? Recall(long index) => memo.TryGetValue(index, out object? value) ? value : throw Broken($"its pickle recalls value {index}, which it never stored");

    void Push(object? value) => stack.Add(value);

    object? Peek() => stack.Count > 0 ? stack[^1] : throw Broken("its pickle takes a value that is not there");

    object? Pop()
    {
        object? value = Peek();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    T Pop<T>() where T : class => Pop() as T ?? throw Broken($"its pickle has another kind of value where {Noun<T>()} belongs");

    static string Noun<T>() => typeof(T) == typeof(PickleTuple) ? "a tuple" : typeof(T) == typeof(PickleGlobal) ? "something to call" : "text";

    List<object?> PopMark()
    {
        if (outer.Count == 0) throw Broken("its pickle takes values up to a mark that is not there");
        List<object?> items = stack;
        stack = outer.Pop();
        return items;
    }

    InvalidDataException Broken(string why) => new($"{source.Path} is not a weights file that can be read: {why}");
}
