"""What a grid on many machines needs beside the machines: a store between them, and a forecast of the schedule."""
