using System.Globalization;

namespace Osprey.Tests.Ptx;

/// <summary>
/// Reads a PTX module with kernels: version, target, dynamic shared memory and entries, whose bodies may hold nested scopes. What it does not know is
/// an error that names the line: functions, constants and global variables among it, which no kernel here has.
/// </summary>
sealed class PtxParser
{
    /// <summary>Shared memory begins here, so that no valid address is null.</summary>
    const int SharedBase = 1024;

    /// <summary>Bytes between two variables of shared memory.</summary>
    const int SharedGap = 128;

    readonly string[] lines;
    readonly List<PtxToken> tokens;
    readonly List<(string Name, int Align)> dynamicShared = [];
    readonly List<PtxType> registers = [];
    readonly List<PtxVariable> variables = [];
    readonly List<PtxInstruction> instructions = [];
    readonly Stack<Dictionary<string, PtxOperand>> scopes = new();
    readonly Dictionary<string, int> labels = [];
    int at, sharedEnd, localEnd;

    PtxParser(string text)
    {
        lines = text.Split('\n');
        tokens = PtxLexer.Read(text);
    }

    public static IReadOnlyList<PtxEntry> Parse(string text) => new PtxParser(text).Module();

    PtxToken Peek => tokens[at];

    PtxFaultException Unknown(string what) => new($"line {Peek.Line}: {lines[Peek.Line - 1].Trim()}: {what}");

    PtxToken Next() => tokens[at++];

    bool Take(string text)
    {
        if (Peek.Text != text) return false;
        at++;
        return true;
    }

    void Expect(string text)
    {
        if (!Take(text)) throw Unknown($"'{text}' was expected, not '{Peek.Text}'");
    }

    string Word() => Peek.IsWord ? Next().Text : throw Unknown($"a name was expected, not '{Peek.Text}'");

    int Count() => Peek.IsNumber ? int.Parse(Next().Text, CultureInfo.InvariantCulture) : throw Unknown($"a count was expected, not '{Peek.Text}'");

    PtxType Type()
    {
        string name = Word();
        return name[0] == '.' && PtxType.TryParse(name[1..], out PtxType type) ? type : throw Unknown($"'{name}' is no type");
    }

    List<PtxEntry> Module()
    {
        var entries = new List<PtxEntry>();
        while (Peek.Text.Length > 0)
        {
            string directive = Word();
            if (directive is ".version" or ".address_size") at++;
            else if (directive == ".target") Word();
            else if (directive == ".extern" && Take(".shared")) DynamicShared();
            else if (directive is ".visible") continue;
            else if (directive == ".entry") entries.Add(Entry());
            else throw Unknown($"'{directive}' is not known to the interpreter");
        }
        return entries;
    }

    int Align() => Take(".align") ? Count() : 0;

    void DynamicShared()
    {
        int align = Align();
        PtxType type = Type();
        dynamicShared.Add((Word(), Math.Max(align, type.Bytes)));
        Expect("[");
        Expect("]");
        Expect(";");
    }

    PtxEntry Entry()
    {
        registers.Clear();
        variables.Clear();
        instructions.Clear();
        labels.Clear();
        (sharedEnd, localEnd) = (SharedBase, 0);
        scopes.Push([]);
        string name = Word();
        var parameters = new List<PtxVariable>();
        int bytes = 0;
        Expect("(");
        while (!Take(")"))
        {
            if (parameters.Count > 0) Expect(",");
            Expect(".param");
            int align = Align();
            PtxType type = Type();
            align = Math.Max(align, type.Bytes);
            string parameter = Word();
            int size = type.Bytes * Length();
            bytes = (bytes + align - 1) / align * align;
            parameters.Add(new PtxVariable(parameter, PtxSpace.Param, bytes, size, align));
            Declare(parameter, new VariableOperand(parameters[^1]));
            bytes += size;
        }
        Expect("{");
        Body();
        foreach ((string variable, int align) in dynamicShared)
            if (scopes.Peek().ContainsKey(variable)) variables.Add(new PtxVariable(variable, PtxSpace.Shared, PlaceShared(align, 0), -1, align));
        scopes.Pop();
        return new PtxEntry
        {
            Name = name,
            Parameters = parameters,
            ParameterBytes = bytes,
            Registers = [.. registers],
            Variables = [.. variables],
            Instructions = [.. instructions.Select(Resolve)],
        };
    }

    int Length()
    {
        int length = 1;
        while (Take("["))
        {
            length *= Count();
            Expect("]");
        }
        return length;
    }

    void Declare(string name, PtxOperand operand)
    {
        if (!scopes.Peek().TryAdd(name, operand)) throw Unknown($"'{name}' is declared twice");
    }

    void Body()
    {
        while (!Take("}"))
        {
            if (Take("{"))
            {
                scopes.Push([]);
                Body();
                scopes.Pop();
            }
            else if (Take(".reg"))
            {
                Registers(Type());
            }
            else if (Peek.Text is ".shared" or ".local")
            {
                Variable(Next().Text == ".shared" ? PtxSpace.Shared : PtxSpace.Local);
            }
            else if (Peek.IsWord && tokens[at + 1].Text == ":")
            {
                if (!labels.TryAdd(Word(), instructions.Count)) throw Unknown("this label is there already");
                at++;
            }
            else if (!Take(";"))
            {
                Instruction();
            }
        }
    }

    void Registers(PtxType type)
    {
        do
        {
            string name = Word();
            if (Take("<"))
            {
                int count = Count();
                Expect(">");
                for (int i = 0; i < count; i++) Register($"{name}{i}", type);
            }
            else
            {
                Register(name, type);
            }
        }
        while (Take(","));
        Expect(";");
    }

    void Register(string name, PtxType type)
    {
        Declare(name, new RegisterOperand(registers.Count, type, name));
        registers.Add(type);
    }

    void Variable(PtxSpace space)
    {
        int align = Align();
        PtxType type = Type();
        align = Math.Max(align, type.Bytes);
        string name = Word();
        int size = type.Bytes * Length();
        Expect(";");
        int offset = space == PtxSpace.Shared ? PlaceShared(align, size) : (localEnd + align - 1) / align * align;
        if (space == PtxSpace.Local) localEnd = offset + size;
        variables.Add(new PtxVariable(name, space, offset, size, align));
        Declare(name, new VariableOperand(variables[^1]));
    }

    /// <summary>An offset that is a multiple of <paramref name="align"/> and of no larger power of two: nothing is better aligned than declared.</summary>
    int PlaceShared(int align, int size)
    {
        int offset = sharedEnd + SharedGap;
        offset = (offset + 2 * align - 1) / (2 * align) * (2 * align) + align;
        sharedEnd = offset + size;
        return offset;
    }

    void Instruction()
    {
        int line = Peek.Line;
        RegisterOperand? guard = null;
        if (Take("@"))
        {
            bool negated = Take("!");
            guard = Operand() is RegisterOperand { Type.Kind: PtxKind.Predicate } register ? register with { Negated = negated } : throw Unknown("the guard is no predicate");
        }
        string[] parts = Word().Split('.');
        var operands = new List<PtxOperand>();
        if (!Take(";"))
        {
            do operands.Add(Operand());
            while (Take(","));
            Expect(";");
        }
        instructions.Add(new PtxInstruction(line, lines[line - 1].Trim(), guard, parts[0], parts[1..], operands));
    }

    PtxOperand Operand()
    {
        PtxOperand operand = Simple();
        return Take("|") ? new PairOperand(operand, Simple()) : operand;
    }

    PtxOperand Simple()
    {
        if (Take("!")) return Simple() is RegisterOperand { Type.Kind: PtxKind.Predicate } register ? register with { Negated = true } : throw Unknown("only a predicate can be negated");
        if (Take("["))
        {
            PtxOperand origin = Simple();
            long offset = 0;
            if (Take("+")) offset = (long)Integer();
            else if (Take("-")) offset = -(long)Integer();
            Expect("]");
            return new MemoryOperand(origin, offset);
        }
        if (Take("{"))
        {
            var elements = new List<PtxOperand>();
            do elements.Add(Simple());
            while (Take(","));
            Expect("}");
            return new VectorOperand(elements);
        }
        if (Peek.IsNumber || Peek.Text == "-") return Immediate();
        string name = Word();
        if (name == "_") return new SinkOperand();
        foreach (Dictionary<string, PtxOperand> scope in scopes)
            if (scope.TryGetValue(name, out PtxOperand? known)) return known;
        if (SpecialRegisters.Exists(name)) return new SpecialOperand(name);
        if (dynamicShared.Exists(d => d.Name == name))
        {
            // Placed after the variables of fixed size, when the body has been read.
            PtxOperand operand = new LabelOperand(name, -1);
            scopes.Last()[name] = operand;
            return operand;
        }
        return name[0] == '%' ? throw Unknown($"'{name}' is not declared") : new LabelOperand(name, -1);
    }

    ulong Integer() => Immediate().Bits;

    ImmediateOperand Immediate()
    {
        bool negative = Take("-");
        string text = Next().Text;
        CultureInfo culture = CultureInfo.InvariantCulture;
        ulong bits;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) bits = ulong.Parse(text.AsSpan(2).TrimEnd('U'), NumberStyles.HexNumber, culture);
        else if (text.StartsWith("0f", StringComparison.OrdinalIgnoreCase)) bits = uint.Parse(text.AsSpan(2), NumberStyles.HexNumber, culture);
        else if (text.StartsWith("0d", StringComparison.OrdinalIgnoreCase)) bits = ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, culture);
        else if (text.AsSpan().ContainsAny('.', 'e', 'E')) return new ImmediateOperand(BitConverter.DoubleToUInt64Bits(double.Parse(text, culture) * (negative ? -1 : 1)), IsDecimal: true);
        else if (!ulong.TryParse(text.AsSpan().TrimEnd('U'), NumberStyles.None, culture, out bits)) throw Unknown($"'{text}' is no number");
        return new ImmediateOperand(negative ? 0 - bits : bits);
    }

    PtxInstruction Resolve(PtxInstruction instruction) => instruction with { Operands = [.. instruction.Operands.Select(o => Resolve(o, instruction))] };

    PtxOperand Resolve(PtxOperand operand, PtxInstruction instruction) => operand switch
    {
        LabelOperand label when variables.Find(v => v.Name == label.Name && v.Size < 0) is { } variable => new VariableOperand(variable),
        LabelOperand label => labels.TryGetValue(label.Name, out int target) ? label with { Target = target } : throw instruction.Unknown($"'{label.Name}' is neither declared nor a label"),
        MemoryOperand memory => memory with { Base = Resolve(memory.Base, instruction) },
        _ => operand,
    };
}
