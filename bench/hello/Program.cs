// Says it, then stays until its input ends, so that its memory can be looked at.
Console.WriteLine("Hello, World!");
Console.ReadLine();
